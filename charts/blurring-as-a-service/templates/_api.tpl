{{- /* The online endpoint. Each takes the root. */}}

{{- define "baas.apiServiceAccount" -}}
{{- .Values.api.serviceAccount.name | default (include "baas.name" (dict "root" . "component" "api")) }}
{{- end }}

{{- /* What it reads from its environment; `api.extraEnv` goes before it. */}}
{{- define "baas.apiEnv" -}}
{{- with .Values.api }}
- name: BAAS_TRITON
  value: {{ include "baas.tritonUrl" $ | quote }}
- name: BAAS_IN_FLIGHT
  value: {{ .inFlight | int64 | quote }}
- name: BAAS_API_HOST
  value: 0.0.0.0
- name: BAAS_API_PORT
  value: "8080"
- name: BAAS_API_METRICS_PORT
  value: "9464"
- name: BAAS_API_TOKENS_FILE
  value: {{ printf "/etc/baas/tokens/%s" .tokens.key | quote }}
- name: BAAS_API_MAX_MEGABYTES
  value: {{ .maxMegabytes | quote }}
- name: BAAS_API_QUEUE
  value: {{ .queue | int64 | quote }}
- name: BAAS_API_TIME_LIMIT_SECONDS
  value: {{ .timeLimitSeconds | int64 | quote }}
- name: BAAS_API_LOG_LEVEL
  value: {{ .logLevel | quote }}
{{- end }}
{{- end }}

{{- define "baas.checkApi" -}}
{{- with .Values.api }}
{{- if .enabled }}
{{- if not .tokens.existingSecret }}
{{- fail "api.enabled is true and api.tokens.existingSecret is empty: nobody could ask. Make a Secret with a token, such as kubectl create secret generic baas-api-tokens --from-literal=tokens=$(openssl rand -hex 32), and name it." }}
{{- end }}
{{- if not (or .serviceAccount.create .serviceAccount.name) }}
{{- fail (printf "api.serviceAccount.create is false and its name is empty. Name a ServiceAccount that exists in %s, or let the chart make one." $.Release.Namespace) }}
{{- end }}
{{- if and .workloadIdentity.clientId (not .serviceAccount.create) }}
{{- fail "api.workloadIdentity.clientId is set, but api.serviceAccount.create is false, so the chart makes no ServiceAccount to carry it. Annotate yours, set api.podLabels to {azure.workload.identity/use: \"true\"}, and leave clientId empty." }}
{{- end }}
{{- if lt (int .autoscaling.maxReplicas) (int .autoscaling.minReplicas) }}
{{- fail (printf "api.autoscaling.maxReplicas is %d, less than minReplicas, which is %d. Raise it." (int .autoscaling.maxReplicas) (int .autoscaling.minReplicas)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
