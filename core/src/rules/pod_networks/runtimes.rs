//! Recognizes the annotations of pods that container runtimes and their plugins read.
//!
//! Sources:
//! <https://github.com/kata-containers/kata-containers/blob/main/docs/how-to/how-to-set-sandbox-config-kata.md>,
//! <https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md>,
//! <https://github.com/containers/crun/blob/main/crun.1.md>,
//! <https://gvisor.dev/docs/user_guide/filesystem/>, <https://github.com/containerd/nri>,
//! <https://github.com/cncf-tags/container-device-interface>.

/// Beginnings of keys; the rest names a setting.
const BEGINNINGS: [&str; 5] =
    ["dev.gvisor.", "io.katacontainers.", "io.kubernetes.cri-o.", "io.kubernetes.cri.", "run.oci."];

/// Keys of CRI-O that only concern the pod itself, or relax nothing.
const HARMLESS: [&str; 6] = [
    "cpu-c-states.crio.io",
    "cpu-freq-governor.crio.io",
    "cpu-load-balancing.crio.io",
    "cpu-quota.crio.io",
    "io.kubernetes.cri-o.TrySkipVolumeSELinuxLabel",
    "irq-load-balancing.crio.io",
];

/// Domains of plugins, and of what is below them.
const DOMAINS: [&str; 3] = ["cdi.k8s.io", "nri.containerd.io", "nri.io"];

/// Returns whether a runtime or a plugin may read the key, and give the pod something of its node.
pub(super) fn reads(key: &str, domain: &str) -> bool {
    let is_of = |known: &str| {
        domain.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    (BEGINNINGS.iter().any(|beginning| key.starts_with(beginning)) && !is_harmless(key))
        || DOMAINS.iter().any(|known| is_of(known))
}

/// Returns whether the key is known to do no harm, though its words speak of what is shared.
pub(super) fn is_harmless(key: &str) -> bool {
    HARMLESS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e15_what_a_runtime_reads_is_told_by_the_beginning_or_the_domain() {
        let is_read = |key: &str| reads(key, key.split_once('/').map_or(key, |(domain, _)| domain));
        for key in [
            "io.kubernetes.cri-o.Devices",
            "io.kubernetes.cri-o.UnifiedCgroup.app",
            "io.katacontainers.config.hypervisor.kernel",
            "dev.gvisor.spec.mount.a.source",
            "run.oci.hooks.stderr",
            "cdi.k8s.io/gpu",
            "devices.nri.io/container.app",
            "mounts.nri.containerd.io/container.app",
        ] {
            assert!(is_read(key), "{key}");
        }
        for key in [
            "io.kubernetes.cri-o.TrySkipVolumeSELinuxLabel",
            "irq-load-balancing.crio.io",
            "example.com/nri.io",
            "notnri.io/a",
            "io.kubernetes.crio",
        ] {
            assert!(!is_read(key), "{key}");
        }
    }
}
