# syntax=docker/dockerfile:1
# The image: one static program in an empty file system, not root.
#
# `make image` builds the program on the machine itself and has this file only pack it (PROGRAM=built). `docker build .`
# compiles it in the stage `build` instead. docs/RELEASE.md says which of the two is tried where.
ARG PROGRAM=build

# The release of Rust is that of rust-toolchain.toml; the digest is of the list of all architectures.
FROM docker.io/library/rust:1.95.0-alpine3.23@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
# Alpine takes old versions of a package away, so that a pinned one soon fails.
# hadolint ignore=DL3018
RUN apk add --no-cache make musl-dev
WORKDIR /src
COPY . .
# What `--version` says, since Git's files stay outside: --build-arg PARTYWALL_COMMIT=$(git rev-parse HEAD).
ARG PARTYWALL_COMMIT
# Pages of arm64 may be larger where the image runs than where it is built, and jemalloc must know the largest.
ARG TARGETARCH
RUN --mount=type=cache,id=partywall-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=partywall-$TARGETARCH,target=/src/target,sharing=locked \
    if [ "$TARGETARCH" = arm64 ]; then export JEMALLOC_SYS_WITH_LG_PAGE=16; fi; \
    cargo build --profile dist --features jemalloc --locked --bin partywall && \
    cp target/dist/partywall /partywall

# A program that was built before, in the context.
FROM scratch AS built
COPY --chmod=0555 partywall /partywall

# Only the stage that PROGRAM names is built.
# hadolint ignore=DL3006
FROM ${PROGRAM} AS program

FROM scratch
ARG VERSION=0.1.0
ARG PARTYWALL_COMMIT=
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="partywall" \
      org.opencontainers.image.description="The admission webhook server that keeps tenants of a shared Kubernetes cluster apart" \
      org.opencontainers.image.source="https://github.com/partywall/partywall" \
      org.opencontainers.image.documentation="https://github.com/partywall/partywall/blob/main/README.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$PARTYWALL_COMMIT" \
      org.opencontainers.image.created="$CREATED"
COPY --from=program /partywall /partywall
# No name to look up in an empty image: the number of `nobody`.
USER 65534:65534
# Inside a pod the API server comes from outside.
ENV PARTYWALL_LISTEN=[::]:8443 PARTYWALL_OPS_LISTEN=[::]:8080 PARTYWALL_LOG_FORMAT=json
EXPOSE 8443 8080
ENTRYPOINT ["/partywall"]
CMD ["serve"]
