GO         ?= go
SUDO       := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
VERSION    := $(shell cat VERSION)
REVISION   := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
BRANCH     := $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
META       := github.com/prometheus/common/version
LDFLAGS    := -s -w -X $(META).Version=$(VERSION) -X $(META).Revision=$(REVISION) -X $(META).Branch=$(BRANCH)
BINARY     := ksyun_bill_exporter
IMAGE      ?= $(BINARY):$(VERSION)
LINT       := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# What the end-to-end tests meet for real: command and the Debian package that brings it.
PEERS      := prometheus:prometheus promtool:prometheus curl:curl buildah:buildah umoci:umoci amtool:prometheus-alertmanager chromium:chromium \
              victoria-metrics:victoria-metrics vmalert:victoria-metrics script:bsdutils systemd-analyze:systemd \
              node:nodejs npm:npm
# The engines that read a lake in them, 620 MB: outside of what Go and the tests walk through.
ENGINES    := .build/engines
CA_BUNDLE  := /etc/ssl/certs/ca-certificates.crt

.PHONY: all build test chart lint demo bench soak pictures image release peers clean
all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BINARY) .

# A busy machine of two cores needs half of it.
TIMEOUT ?= 20m

# Everything: vet, unit tests and, against a real Prometheus and a real image, end-to-end tests; all with the race detector
# but those of the module that makes releases: what they test is one goroutine, and they look at files outside of it.
test: peers $(ENGINES)/installed
	$(GO) vet -tags e2e,soak,focus ./...
	$(GO) vet -C release ./...
	$(GO) test -C release -count=1 ./...
	@# The longest tests begin first. vet has looked at all of it already, with all its analyzers. With the race detector, each
	@# of a hundred programs waits a second at its end, for races of what goes on until then; a tenth of it is long enough.
	GORACE=atexit_sleep_ms=100 $(GO) test -race -vet=off -timeout $(TIMEOUT) -tags e2e ./e2e ./collector ./dashboards ./alerts ./backfill ./...

# The chart, in a module of its own, which test leaves out: building Helm takes two minutes. Go keeps results and does not
# look whether files outside of a module have changed, hence -count=1; the race detector would only build all of Helm a second time, and its templates are one goroutine.
chart:
	$(GO) vet -C deploy/helm/tests ./...
	$(GO) test -C deploy/helm/tests -count=1 ./...

# golangci-lint takes minutes to build the first time; .golangci.yml is its short list.
lint:
	@echo 'golangci-lint: the first run builds it, which takes minutes'
	$(GO) run $(LINT) run ./...
	cd deploy/helm/tests && $(GO) run $(LINT) run ./...
	cd release && $(GO) run $(LINT) run ./...
	cd e2e/s3server && $(GO) run $(LINT) run ./...

demo:
	$(GO) run . --demo

# What a refresh and a scrape cost, beside yardsticks measured in turn with them; docs/benchmarks.md keeps a run.
bench: PEERS := nginx:nginx-light
bench: peers
	$(GO) run ./benchmarks

# Days of faults, restarts and reloads at random, an hour of them or more in a second; without the race detector, whose
# own memory would hide a trend. SOAK=10m for longer.
SOAK ?= 60s
soak:
	$(GO) test -tags soak -run '^TestSoak$$' -timeout 0 -v ./collector -soak.for=$(SOAK)

# The pictures of the documentation, anew. Names in Chinese want a font (Debian: fonts-noto-cjk).
pictures: peers
	$(GO) test -tags e2e -count=1 -run '^TestPictures$$' ./e2e -pictures=$(CURDIR)/docs/pictures

# An OCI image with nothing but the program and CA certificates. buildah needs no daemon; docker build works as well.
image: build
	mkdir -p .build/image
	cp $(BINARY) $(CA_BUNDLE) Dockerfile .build/image/
	buildah --storage-driver vfs bud --isolation chroot --tag $(IMAGE) .build/image

# What a release consists of, in dist: archives for six platforms with their bills of materials, the source, an image and
# checksums. The same commit makes the same bytes. DIRTY=1: a trial with what is not committed. SOURCE_URL=https://...: the
# address of the repository, for the image's label.
DIST ?= dist
release:
	$(GO) run -C release . -out $(abspath $(DIST)) -go $(GO) $(if $(DIRTY),-dirty) $(if $(SOURCE_URL),-source $(SOURCE_URL)) $(RELEASE_FLAGS)

peers:
	@missing=; for peer in $(PEERS); do PATH=$$PATH:/usr/sbin command -v $${peer%%:*} >/dev/null || missing="$$missing $${peer##*:}"; done; \
	[ -e $(CA_BUNDLE) ] || missing="$$missing ca-certificates"; \
	if [ -n "$$missing" ]; then \
		echo "installing:$$missing"; \
		$(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq $$missing >/dev/null; \
	fi

# npm install, not npm ci: the lock names packages for other systems, which need not be there.
$(ENGINES)/installed: e2e/engines/package-lock.json | peers
	@echo 'installing: engines'
	@mkdir -p $(ENGINES)
	@cp e2e/engines/package.json e2e/engines/package-lock.json $(ENGINES)
	@npm install --prefix $(ENGINES) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

clean:
	rm -rf $(BINARY) .build dist
