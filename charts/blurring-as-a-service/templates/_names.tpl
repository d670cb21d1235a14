{{- /* Names, labels and images. Every helper takes (dict "root" $ "component" NAME) unless it says otherwise. */}}

{{- /*
The name of the release in names of objects. Takes the root. The longest suffix is 16 characters long, so longer names are
cut; a part of their hash tells two apart that begin alike.
*/}}
{{- define "baas.fullname" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name }}
{{- if gt (len $name) 47 }}
{{- $name = printf "%s-%s" ($name | trunc 40 | trimSuffix "-") ($name | sha256sum | trunc 6) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "baas.name" -}}
{{- printf "%s-%s" (include "baas.fullname" .root) .component }}
{{- end }}

{{- /*
The name of an object that no namespace holds: two releases of one name in two namespaces do not share it. With a dash,
a release b-c in namespace a would share it with a release c in namespace a-b.
*/}}
{{- define "baas.clusterName" -}}
{{- printf "%s:%s" .root.Release.Namespace (include "baas.name" .) }}
{{- end }}

{{- define "baas.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end }}

{{- /* All labels of an object. Optional: "more", labels from values; they never replace ours. */}}
{{- define "baas.labels" -}}
{{- $ours := dict
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/part-of" "blurring-as-a-service"
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name (replace "+" "_" .root.Chart.Version))
}}
{{- merge $ours (include "baas.selectorLabels" . | fromYaml) (.more | default dict) .root.Values.commonLabels | toYaml }}
{{- end }}

{{- /* Labels of pods: nothing that changes with every version, or an upgrade would start them all over. Optional: "more". */}}
{{- define "baas.podLabels" -}}
{{- $ours := dict "app.kubernetes.io/part-of" "blurring-as-a-service" }}
{{- merge $ours (include "baas.selectorLabels" . | fromYaml) (.more | default dict) .root.Values.commonLabels | toYaml }}
{{- end }}

{{- /* Name, namespace and labels of an object. Optional: "suffix" of the name, "namespace", "more" labels. */}}
{{- define "baas.metadata" -}}
name: {{ printf "%s%s" (include "baas.name" .) (.suffix | default "") | quote }}
namespace: {{ .namespace | default .root.Release.Namespace | quote }}
labels:
  {{- include "baas.labels" . | nindent 2 }}
{{- end }}

{{- define "baas.clusterMetadata" -}}
name: {{ include "baas.clusterName" . | quote }}
labels:
  {{- include "baas.labels" . | nindent 2 }}
{{- end }}

{{- /* Labels that the operator gives to the pods of BlurJobs. */}}
{{- define "baas.workerSelectorLabels" -}}
app.kubernetes.io/managed-by: baas-operator
{{- end }}

{{- /* An image of ours. Takes (dict "root" $ "image" VALUES). */}}
{{- define "baas.image" -}}
{{- $name := printf "%s/%s" .root.Values.image.registry .image.repository }}
{{- $tag := .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- if .image.digest }}{{ $name }}@{{ .image.digest }}{{ else }}{{ $name }}:{{ $tag }}{{ end }}
{{- end }}

{{- define "baas.tritonImage" -}}
{{- if eq .Values.triton.device "cpu" }}
{{- include "baas.image" (dict "root" . "image" .Values.triton.cpuImage) }}
{{- else }}
{{- with .Values.triton.gpuImage }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.operatorServiceAccount" -}}
{{- .Values.operator.serviceAccount.name | default (include "baas.name" (dict "root" . "component" "operator")) }}
{{- end }}

{{- define "baas.tritonServiceAccount" -}}
{{- .Values.triton.serviceAccount.name | default (include "baas.name" (dict "root" . "component" "triton")) }}
{{- end }}

{{- define "baas.workerServiceAccount" -}}
{{- $made := ternary (include "baas.name" (dict "root" . "component" "worker")) "default" (eq (include "baas.makesWorkerServiceAccounts" .) "true") }}
{{- .Values.worker.serviceAccount.name | default $made }}
{{- end }}

{{- /* "true" or "". Takes the root, like the two below. */}}
{{- define "baas.makesWorkerServiceAccounts" -}}
{{- if and .Values.worker.serviceAccount.create (ne (include "baas.watchesCluster" .) "true") }}true{{ end }}
{{- end }}

{{- define "baas.watchesCluster" -}}
{{- if has "*" .Values.operator.watchNamespaces }}true{{ end }}
{{- end }}

{{- /* The namespaces that get Roles, as a JSON list: none when the whole cluster is watched. */}}
{{- define "baas.watchedNamespaces" -}}
{{- if eq (include "baas.watchesCluster" .) "true" }}[]{{ else }}{{ .Values.operator.watchNamespaces | default (list .Release.Namespace) | toJson }}{{ end }}
{{- end }}

{{- /*
Where pictures go. The Service's own address does for one pod, and stays there while that pod is away; of several pods the
headless Service tells all addresses.
*/}}
{{- define "baas.tritonUrl" -}}
{{- if .Values.triton.enabled }}
{{- index (include "baas.tritonUrls" . | fromJsonArray) (or (gt (int .Values.triton.replicas) 1) (ne .Values.triton.autoscaling.kind "none") | ternary 1 0) }}
{{- else }}
{{- .Values.triton.url }}
{{- end }}
{{- end }}

{{- /* Both addresses of the chart's own Triton, as a JSON list: the Service's and the headless one's. Takes the root. */}}
{{- define "baas.tritonUrls" -}}
{{- $urls := list }}
{{- range list "" "-headless" }}
{{- $urls = append $urls (printf "grpc://%s%s.%s.svc:8001" (include "baas.name" (dict "root" $ "component" "triton")) . $.Release.Namespace) }}
{{- end }}
{{- toJson $urls }}
{{- end }}
