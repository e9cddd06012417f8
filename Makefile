# `make check` is what CI runs; everything else is cargo.
.PHONY: check
check:
	bash .ci/run
