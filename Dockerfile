# A static binary in an empty image: no shell, no libc, not root.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache make musl-dev
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY core core
COPY docs docs
COPY policies policies
COPY src src
COPY benches benches
# What `--version` says, since Git's files stay outside: --build-arg PARTYWALL_COMMIT=$(git rev-parse HEAD).
ARG PARTYWALL_COMMIT
# Pages of arm64 may be larger where the image runs than where it is built, and jemalloc must know the largest.
ARG TARGETARCH
RUN if [ "$TARGETARCH" = arm64 ]; then export JEMALLOC_SYS_WITH_LG_PAGE=16; fi; \
    cargo build --profile dist --features jemalloc --locked --bin partywall

FROM scratch
COPY --from=build /src/target/dist/partywall /partywall
# No name to look up in an empty image: the number of `nobody`.
USER 65534:65534
# Inside a pod the API server comes from outside.
ENV PARTYWALL_LISTEN=[::]:8443 PARTYWALL_OPS_LISTEN=[::]:8080 PARTYWALL_LOG_FORMAT=json
EXPOSE 8443 8080
ENTRYPOINT ["/partywall"]
CMD ["serve"]
