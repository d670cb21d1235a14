{{- /* What all our pods have in common. */}}

{{- /* Fields of a pod's spec that come from values. Takes (dict "root" $ "pod" VALUES); absent values are left out. */}}
{{- define "baas.podFields" -}}
automountServiceAccountToken: {{ .token | default false }}
# Otherwise a Service called baas-triton would set BAAS_TRITON_PORT and more, which look like settings of ours.
enableServiceLinks: false
securityContext:
  fsGroup: 65532
  # A volume of a million files is not walked when its root is right already.
  fsGroupChangePolicy: OnRootMismatch
  runAsGroup: 65532
  runAsNonRoot: true
  runAsUser: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{- /* Pod Security "restricted", and a root filesystem that nobody writes to. */}}
{{- define "baas.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- /* The ledger's URL as BAAS_LEDGER. Takes the root. */}}
{{- define "baas.ledgerEnv" -}}
- name: BAAS_LEDGER
  {{- if .Values.ledger.url }}
  value: {{ .Values.ledger.url | quote }}
  {{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.ledger.existingSecret | quote }}
      key: {{ .Values.ledger.key | quote }}
  {{- end }}
{{- end }}

{{- /* A ServiceAccount. Takes root, component, namespace, name, account (values), and identity (a client id). */}}
{{- define "baas.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name | quote }}
  namespace: {{ .namespace | quote }}
  labels:
    {{- include "baas.labels" (dict "root" .root "component" .component "more" .account.labels) | nindent 4 }}
  {{- $identity := ternary (dict "azure.workload.identity/client-id" .identity) dict (ne .identity "") }}
  {{- with merge $identity .account.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
# A pod that needs a token asks for it.
automountServiceAccountToken: false
{{- end }}

{{- /* Labels of pods with a managed identity: AKS looks for the first. Takes "labels" and "clientId". */}}
{{- define "baas.identityLabels" -}}
{{- $identity := ternary (dict "azure.workload.identity/use" "true") dict (ne .clientId "") }}
{{- merge $identity .labels | toYaml }}
{{- end }}
