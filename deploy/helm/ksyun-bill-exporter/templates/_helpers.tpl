{{- define "ksyun-bill-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- $name = .Values.fullnameOverride -}}
{{- else if not (contains $name .Release.Name) -}}
{{- $name = printf "%s-%s" .Release.Name $name -}}
{{- else -}}
{{- $name = .Release.Name -}}
{{- end -}}
{{- /* A pod has a label of the name and 11 more characters, and 63 are allowed. */ -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- /* What selects the pods. It must never change: a StatefulSet's selector and its claims cannot. */ -}}
{{- define "ksyun-bill-exporter.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ksyun-bill-exporter.labels" -}}
{{ include "ksyun-bill-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "ksyun-bill-exporter.image" -}}
{{- $missing := "image.repository: say where the image is that `make image` builds" -}}
{{- $repository := required $missing .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "ksyun-bill-exporter.secret" -}}
{{- if .Values.keys.existingSecret -}}
{{ .Values.keys.existingSecret }}
{{- else -}}
{{ include "ksyun-bill-exporter.fullname" . }}-keys
{{- end -}}
{{- end -}}

{{- /* The place of the lake, empty if there is none: a bucket, or a folder in a volume that can be written. */ -}}
{{- define "ksyun-bill-exporter.lake" -}}
{{- $claim := .Values.lake.existingClaim -}}
{{- $mounted := ternary "/var/lib/ksyun_bill_lake" "/var/lib/ksyun_bill_exporter" (not (empty $claim)) -}}
{{- $place := dig "lake" "path" (ternary $mounted "" (not (empty $claim))) .Values.config -}}
{{- $below := hasPrefix (print $mounted "/") (print $place "/") -}}
{{- if not (or (empty $place) (hasPrefix "s3://" $place) $below) -}}
{{- $advice := "name a bucket, or set lake.existingClaim alone" -}}
{{- fail (printf "config.lake.path: nothing can be written to %s: %s" $place $advice) -}}
{{- end -}}
{{- $place -}}
{{- end -}}

{{- /* The configuration file: that of the values, with the paths of what the chart mounts. */ -}}
{{- define "ksyun-bill-exporter.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not $config.accounts -}}
{{- fail "config.accounts: name the accounts, or set demo=true" -}}
{{- end -}}
{{- range $config.accounts -}}
{{- $key := get $.Values.keys.accounts .name -}}
{{- if not (or .access_key_id_file $key $.Values.keys.existingSecret) -}}
{{- fail (printf "keys: there are none for the account %s: set keys.existingSecret or keys.accounts" .name) -}}
{{- end -}}
{{- if not (or .access_key_id_file (regexMatch "^[-._a-zA-Z0-9]+$" .name)) -}}
{{- fail (printf "config.accounts: no file of a Secret can be called %s: set access_key_id_file" .name) -}}
{{- end -}}
{{- $path := printf "/etc/ksyun/keys/%s" .name -}}
{{- if not .access_key_id_file -}}
{{- $_ := set . "access_key_id_file" (print $path ".id") -}}
{{- end -}}
{{- if not .secret_access_key_file -}}
{{- $_ := set . "secret_access_key_file" (print $path ".secret") -}}
{{- end -}}
{{- if and $key $key.securityToken (not .security_token_file) -}}
{{- $_ := set . "security_token_file" (print $path ".token") -}}
{{- end -}}
{{- end -}}
{{- $_ := set $config "state_dir" "/var/lib/ksyun_bill_exporter" -}}
{{- with include "ksyun-bill-exporter.lake" . -}}
{{- $_ := set $config "lake" (mergeOverwrite (default dict $config.lake) (dict "path" .)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* A share of a quantity of bytes such as 256Mi or 1.5G, as the Go runtime reads it. */ -}}
{{- define "ksyun-bill-exporter.goMemLimit" -}}
{{- $limit := ternary (printf "%.0f" .limit) (toString .limit) (kindIs "float64" .limit) -}}
{{- $number := regexFind "^[0-9.]+(e[0-9]+)?" $limit -}}
{{- $units := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12
  "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- $unit := trimPrefix $number $limit -}}
{{- if not (and $number (hasKey $units $unit)) -}}
{{- fail (printf "resources.limits.memory: %q is no number of bytes" $limit) -}}
{{- end -}}
{{- $bytes := mulf (float64 $number) (get $units $unit) (divf .percent 100) -}}
{{ divf $bytes 1048576 | floor | int64 }}MiB
{{- end -}}

{{- /* The keys of a monitor's endpoint. */ -}}
{{- define "ksyun-bill-exporter.endpoint" -}}
{{- $endpoint := dict "port" "metrics" "path" "/metrics" "interval" .monitor.interval -}}
{{- if eq .scheme "HTTPS" -}}
{{- $_ := set $endpoint "scheme" "https" -}}
{{- end -}}
{{- toYaml (mergeOverwrite $endpoint (deepCopy .monitor.endpoint)) -}}
{{- end -}}

{{- define "ksyun-bill-exporter.probe" -}}
{{- $get := dict "path" .path "port" "metrics" -}}
{{- if ne .web.scheme "HTTP" -}}
{{- $_ := set $get "scheme" .web.scheme -}}
{{- end -}}
{{- if .web.probeHeaders -}}
{{- $_ := set $get "httpHeaders" .web.probeHeaders -}}
{{- end -}}
{{- toYaml (merge (dict "httpGet" $get) .probe) -}}
{{- end -}}

{{- /* thresholds.rules.yml with other values. */ -}}
{{- define "ksyun-bill-exporter.thresholds" -}}
{{- $file := fromYaml .rules -}}
{{- $unknown := deepCopy .values.thresholds -}}
{{- range $group := $file.groups -}}
{{- range $rule := $group.rules -}}
{{- if eq $rule.record "ksyun_bill:runbooks" -}}
{{- $_ := set $rule.labels "url" $.values.runbooks -}}
{{- else if hasKey $.values.thresholds (default "" $rule.labels.name) -}}
{{- $_ := set $rule "expr" (toString (get $.values.thresholds $rule.labels.name)) -}}
{{- $_ := unset $unknown $rule.labels.name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := $unknown -}}
{{- fail (printf "prometheusRule.thresholds: thresholds.rules.yml has no %s" $name) -}}
{{- end -}}
{{- toYaml $file -}}
{{- end -}}

{{- define "ksyun-bill-exporter.volumes" -}}
{{- if not .Values.demo }}
- name: config
  configMap:
    name: {{ include "ksyun-bill-exporter.fullname" . }}
- name: keys
  secret:
    secretName: {{ include "ksyun-bill-exporter.secret" . }}
    defaultMode: 0440
{{- if hasPrefix "s3://" (include "ksyun-bill-exporter.lake" .) }}
- name: tmp
  emptyDir: {}
{{- end }}
{{- with .Values.lake.existingClaim }}
- name: lake
  persistentVolumeClaim:
    claimName: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.web.existingSecret }}
- name: web
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if not .Values.persistence.enabled }}
- name: state
  emptyDir: {}
{{- else if .Values.persistence.existingClaim }}
- name: state
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.existingClaim }}
{{- end }}
{{- end -}}
