# `make check` is what CI runs, `make e2e` the part of it on a real control plane; everything else is cargo.
.PHONY: check e2e
check:
	bash .ci/run

# KUBEBUILDER_ASSETS, if set, says which Kubernetes; ARGS go to the suite: `make e2e ARGS=guide`.
e2e:
	assets=$$(tests/e2e/control-plane) && KUBEBUILDER_ASSETS=$$assets cargo test --locked --test e2e -- $(ARGS)
