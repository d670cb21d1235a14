{{- /* Where telemetry goes. Each gives a YAML list of environment variables and takes the root, unless it says otherwise. */}}

{{- define "baas.otlpEnv" -}}
{{- with .Values.telemetry.otlp }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
{{- if .headersSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ .headersSecret | quote }}
      key: {{ .headersSecretKey | quote }}
{{- end }}
{{- else }}
[]
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.azureMonitorEnv" -}}
{{- with .Values.telemetry.applicationInsights }}
{{- if .existingSecret }}
- name: APPLICATIONINSIGHTS_CONNECTION_STRING
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret | quote }}
      key: {{ .key | quote }}
{{- if .entra }}
- name: APPLICATIONINSIGHTS_AUTHENTICATION_STRING
  value: {{ printf "Authorization=AAD%s" (ternary (printf ";ClientId=%s" .entraClientId) "" (ne .entraClientId "")) | quote }}
{{- end }}
{{- else }}
[]
{{- end }}
{{- end }}
{{- end }}

{{- /* What workers are told. Where Prometheus looks for their metrics they would send them nowhere else unless named. */}}
{{- define "baas.workerTelemetryEnv" -}}
{{- $env := concat (include "baas.otlpEnv" . | fromYamlArray) (include "baas.azureMonitorEnv" . | fromYamlArray) }}
{{- if ne .Values.monitoring.scrape "none" }}
{{- $exporters := compact (list "prometheus" (ternary "otlp" "" (ne .Values.telemetry.otlp.endpoint "")) (ternary "azure" "" (ne .Values.telemetry.applicationInsights.existingSecret ""))) }}
{{- $env = concat $env (list
  (dict "name" "OTEL_METRICS_EXPORTER" "value" (join "," $exporters))
  (dict "name" "OTEL_EXPORTER_PROMETHEUS_HOST" "value" "0.0.0.0")
  (dict "name" "OTEL_EXPORTER_PROMETHEUS_PORT" "value" (include "baas.workerMetricsPort" .))) }}
{{- end }}
{{- $env | toYaml }}
{{- end }}

{{- define "baas.workerMetricsPort" -}}9464{{- end }}

{{- /* What says whose telemetry it is: pod and node. The variables before it are for nothing else. */}}
{{- define "baas.resourceEnv" -}}
- name: K8S_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: K8S_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: OTEL_RESOURCE_ATTRIBUTES
  value: {{ printf "k8s.namespace.name=%s,k8s.pod.name=$(K8S_POD_NAME),k8s.node.name=$(K8S_NODE_NAME)" .Release.Namespace | quote }}
{{- end }}

{{- /* Variables of ours that somebody's own take the place of. Takes (dict "ours" LIST "own" LIST). */}}
{{- define "baas.replaceEnv" -}}
{{- $names := list }}
{{- range .own }}{{ $names = append $names .name }}{{ end }}
{{- $env := list }}
{{- range .ours }}{{ if not (has .name $names) }}{{ $env = append $env . }}{{ end }}{{ end }}
{{- concat $env .own | toYaml }}
{{- end }}

{{- /* Triton's own flags for traces, as `baas-detector serve` gives them. */}}
{{- define "baas.tritonTraceArgs" -}}
{{- with .Values.telemetry.otlp.endpoint }}
- --trace-config=mode=opentelemetry
- --trace-config=level=TIMESTAMPS
- --trace-config=rate=2147483647
- {{ printf "--trace-config=opentelemetry,url=%s/v1/traces" (trimSuffix "/" .) | quote }}
- --trace-config=opentelemetry,resource=service.name=baas-triton
- --trace-config=opentelemetry,resource=service.namespace=blurring-as-a-service
{{- end }}
{{- end }}

{{- /* The port of the OTLP endpoint. */}}
{{- define "baas.otlpPort" -}}
{{- $url := urlParse .Values.telemetry.otlp.endpoint }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}
