{{- /*
Values that contradict each other, or that nobody can guess: the installation stops here with what to do.
What a single value may be is in values.schema.json, unless its pattern would explain nothing to a person.
*/}}
{{- define "baas.checkValues" -}}
{{- include "baas.checkRequired" . }}
{{- include "baas.checkName" . }}
{{- include "baas.checkNamespaces" . }}
{{- include "baas.checkServiceAccounts" . }}
{{- include "baas.checkTriton" . }}
{{- include "baas.checkModelRepository" . }}
{{- include "baas.checkTelemetry" . }}
{{- include "baas.checkApi" . }}
{{- include "baas.checkCrdOwner" . }}
{{- end }}

{{- define "baas.checkRequired" -}}
{{- if not .Values.image.registry }}
{{- fail "image.registry is empty. Build the images, push them to a registry of yours, and name it: --set image.registry=myregistry.azurecr.io/baas" }}
{{- end }}
{{- if not (or .Values.ledger.existingSecret .Values.ledger.url) }}
{{- fail "ledger.existingSecret is empty, and so is ledger.url. Make a Secret with the ledger's URL and name it: kubectl create secret generic baas-ledger --from-literal=url=postgresql://…, then --set ledger.existingSecret=baas-ledger" }}
{{- end }}
{{- if and .Values.ledger.existingSecret .Values.ledger.url }}
{{- fail "ledger.existingSecret and ledger.url are both set: nobody would know which ledger is meant. Remove one of them." }}
{{- end }}
{{- with .Values.migration }}
{{- if and .serviceAccount.name .workloadIdentity.clientId }}
{{- fail "migration.serviceAccount.name is set, so the chart makes no ServiceAccount to carry migration.workloadIdentity.clientId. Annotate yours, set migration.podLabels to {azure.workload.identity/use: \"true\"}, and leave clientId empty; or leave the name empty." }}
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.checkName" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" (include "baas.fullname" .)) }}
{{- fail (printf "The release is called %s, but names of Services begin with a letter and have no dots. Call it otherwise, or set fullnameOverride." .Release.Name) }}
{{- end }}
{{- end }}

{{- define "baas.checkNamespaces" -}}
{{- $watched := .Values.operator.watchNamespaces }}
{{- if and (has "*" $watched) (gt (len $watched) 1) }}
{{- fail "operator.watchNamespaces is either [\"*\"] or a list of names, not both. Remove \"*\" or the names." }}
{{- end }}
{{- end }}

{{- define "baas.checkServiceAccounts" -}}
{{- range $component := ternary (list "operator" "triton") (list "operator") .Values.triton.enabled }}
{{- with index $.Values $component }}
{{- if not (or .serviceAccount.create .serviceAccount.name) }}
{{- fail (printf "%s.serviceAccount.create is false and its name is empty. Name a ServiceAccount that exists in %s, or let the chart make one." $component $.Release.Namespace) }}
{{- end }}
{{- if and .workloadIdentity.clientId (not .serviceAccount.create) }}
{{- fail (printf "%s.workloadIdentity.clientId is set, but %s.serviceAccount.create is false, so the chart makes no ServiceAccount to carry it. Annotate yours, set %s.podLabels to {azure.workload.identity/use: \"true\"}, and leave clientId empty." $component $component $component) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.worker.workloadIdentity.clientId (ne (include "baas.makesWorkerServiceAccounts" .) "true") }}
{{- fail "worker.workloadIdentity.clientId is set, but the chart makes no ServiceAccount to carry it (worker.serviceAccount.create is false, or the whole cluster is watched). Annotate the ServiceAccounts yourself, name them in worker.serviceAccount.name, set worker.podLabels to {azure.workload.identity/use: \"true\"}, and leave clientId empty." }}
{{- end }}
{{- end }}

{{- define "baas.checkTriton" -}}
{{- with .Values.triton }}
{{- if and .enabled .url }}
{{- fail "triton.url is set and triton.enabled is true: BlurJobs would not know which Triton is meant. Remove the url, or set triton.enabled=false." }}
{{- end }}
{{- if not (or .enabled .url) }}
{{- fail "triton.enabled is false and triton.url is empty. Name the Triton to use, such as grpc://triton.models.svc:8001, or enable the chart's own." }}
{{- end }}
{{- with .autoscaling }}
{{- if lt (int .maxReplicas) (int .minReplicas) }}
{{- fail (printf "triton.autoscaling.maxReplicas is %d, less than minReplicas, which is %d. Raise it." (int .maxReplicas) (int .minReplicas)) }}
{{- end }}
{{- if and (eq .kind "keda") (not .prometheusAddress) }}
{{- fail "triton.autoscaling.kind is keda and prometheusAddress is empty. Name the Prometheus that scrapes Triton, such as http://prometheus.monitoring:9090." }}
{{- end }}
{{- end }}
{{- if and .extraArgs (eq .device "cpu") }}
{{- fail "triton.extraArgs are arguments of tritonserver, which the CPU image starts with its own. Remove them, or set triton.device=gpu." }}
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.checkModelRepository" -}}
{{- with .Values.triton.modelRepository }}
{{- $named := compact (list (ternary "image" "" (ne .image.reference "")) (ternary "persistentVolumeClaim" "" (ne .persistentVolumeClaim.claimName "")) (ternary "azureBlob" "" (ne .azureBlob.account ""))) }}
{{- if gt (len $named) 1 }}
{{- fail (printf "triton.modelRepository has %s. A Triton has one repository: keep one of them." (join " and " $named)) }}
{{- end }}
{{- if and $.Values.triton.enabled (eq $.Values.triton.device "gpu") (not $named) }}
{{- fail "triton.modelRepository is empty. Make one with `baas-detector build-repository --target gpu --output models`, put it in an image, a claim or a blob container, and name that in triton.modelRepository; or set triton.device=cpu, whose image brings one." }}
{{- end }}
{{- if and (has "azureBlob" $named) (eq $.Values.triton.device "cpu") }}
{{- fail "triton.modelRepository.azureBlob is read by NVIDIA's Triton only. With triton.device=cpu use an image, a claim, or the repository of the CPU image." }}
{{- end }}
{{- if and .image.reference (not (regexMatch "^[a-zA-Z0-9][-a-zA-Z0-9._]*(:[0-9]+)?(/[a-z0-9._-]+)*(:[a-zA-Z0-9_][-a-zA-Z0-9_.]*)?(@sha256:[0-9a-f]{64})?$" .image.reference)) }}
{{- fail (printf "triton.modelRepository.image.reference is '%s', which is no image's name. Write it with its tag or digest and without spaces, such as myregistry.azurecr.io/models:3." .image.reference) }}
{{- end }}
{{- if has ".." (splitList "/" .persistentVolumeClaim.path) }}
{{- fail (printf "triton.modelRepository.persistentVolumeClaim.path is '%s', which leads out of the claim. Name a folder within it, such as models/person_plate, without '..'." .persistentVolumeClaim.path) }}
{{- end }}
{{- if ne (empty .azureBlob.account) (empty .azureBlob.path) }}
{{- fail "triton.modelRepository.azureBlob needs both account and path, such as account: mymodels and path: models/person_plate." }}
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.checkTelemetry" -}}
{{- with .Values.telemetry }}
{{- if and .otlp.headersSecret (not .otlp.endpoint) }}
{{- fail "telemetry.otlp.headersSecret is set and telemetry.otlp.endpoint is empty: nothing would be sent. Name the collector, such as http://collector.monitoring:4318." }}
{{- end }}
{{- with .applicationInsights }}
{{- if and .entra (not .existingSecret) }}
{{- fail "telemetry.applicationInsights.entra is true and existingSecret is empty: nothing would be sent. Name the Secret with the connection string, which tells where to." }}
{{- end }}
{{- if and .entraClientId (not .entra) }}
{{- fail "telemetry.applicationInsights.entraClientId is set and entra is false. Set entra=true, or remove the client id." }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.checkCrdOwner" -}}
{{- if .Values.crds.enabled }}
{{- range $plural, $kind := dict "blurjobs" "BlurJobs" "blurschedules" "BlurSchedules" }}
{{- $found := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" (printf "%s.blurring.amsterdam.nl" $plural) }}
{{- $notes := dig "metadata" "annotations" dict $found }}
{{- $name := get $notes "meta.helm.sh/release-name" }}
{{- $namespace := get $notes "meta.helm.sh/release-namespace" }}
{{- if and $found (or (ne $name $.Release.Name) (ne $namespace $.Release.Namespace)) }}
{{- fail (printf "The definition of %s is there already and belongs to %s. Set crds.enabled=false, and keep its owner up to date." $kind (ternary (printf "release %s in namespace %s" $name $namespace) "no release" (ne $name ""))) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
