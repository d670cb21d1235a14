{{- /* Where Triton finds its models. All take the root. */}}

{{- define "baas.modelRepository" -}}
{{- with .Values.triton.modelRepository }}
{{- if .azureBlob.account -}}
as://{{ .azureBlob.account }}/{{ .azureBlob.path }}
{{- else if .persistentVolumeClaim.claimName -}}
{{ clean (printf "/repository/%s" .persistentVolumeClaim.path) }}
{{- else if .image.reference -}}
/repository
{{- else -}}
/models
{{- end }}
{{- end }}
{{- end }}

{{- /* The environment of Triton's own reader of Azure Blob, as a YAML list. */}}
{{- define "baas.modelRepositoryEnv" -}}
{{- with .Values.triton.modelRepository.azureBlob }}
{{- if .account }}
- name: AZURE_STORAGE_ACCOUNT
  value: {{ .account | quote }}
{{- if .keySecret }}
- name: AZURE_STORAGE_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .keySecret | quote }}
      key: {{ .keySecretKey | quote }}
{{- else }}
- name: AZURE_STORAGE_AUTH_TYPE
  value: default
{{- end }}
{{- else }}
[]
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.modelRepositoryMount" -}}
{{- with .Values.triton.modelRepository }}
{{- if or .persistentVolumeClaim.claimName .image.reference }}
- name: repository
  mountPath: /repository
  readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "baas.modelRepositoryVolume" -}}
{{- with .Values.triton.modelRepository }}
{{- if .persistentVolumeClaim.claimName }}
- name: repository
  persistentVolumeClaim:
    claimName: {{ .persistentVolumeClaim.claimName | quote }}
    readOnly: true
{{- else if .image.reference }}
- name: repository
  emptyDir: {}
{{- end }}
{{- end }}
{{- end }}
