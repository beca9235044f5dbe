# The image holds a binary that was built before, as the Prometheus projects do it: `make image`. The image of a release is
# made from this file, too, without a builder: `make release`.
FROM scratch
LABEL org.opencontainers.image.title="ksyun_bill_exporter" \
      org.opencontainers.image.description="Cost of Kingsoft Cloud accounts for Prometheus" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY ksyun_bill_exporter /bin/ksyun_bill_exporter
USER 65534:65534
EXPOSE 9978
ENTRYPOINT ["/bin/ksyun_bill_exporter"]
