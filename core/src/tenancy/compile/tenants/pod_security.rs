//! Compiles a tenant's Pod Security Standard, and the values that its pods may have beside it.

use crate::api::{self, Level};
use crate::tenancy::compile::mistakes::{At, Mistakes, refuse_empty};
use crate::tenancy::{ListedNames, PodSecurity, PodSecurityValues};

/// Holds the newest minor version whose standards this code implements.
const NEWEST_MINOR: u16 = 37;

/// Capabilities by which a container takes over its node: it loads kernel modules, mounts disks, or reads all files.
const OF_NODES: [&str; 4] = ["DAC_READ_SEARCH", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO"];

/// Returns the standard that holds for the tenant's pods.
pub(super) fn standard(at: &At, written: Option<&api::PodSecurity>, mistakes: &mut Mistakes) -> PodSecurity {
    const PATH: &str = "spec.podSecurity.version";
    let level = written.map_or(Level::Baseline, |written| written.level);
    let minor = match written.and_then(|written| written.version.as_deref()) {
        None => PodSecurity::LATEST,
        Some(version @ "latest") => {
            let message = "an upgrade of partywall may change what `latest` asks of pods that run today; pin a version \
                 such as `v1.33`";
            mistakes.warn(at, PATH, version, message);
            PodSecurity::LATEST
        }
        Some(version) => match minor(version) {
            Some(minor) => {
                if minor > NEWEST_MINOR {
                    let message = format!(
                        "this version is newer than v1.{NEWEST_MINOR}, the newest that is known here, so that one's \
                         standards hold"
                    );
                    mistakes.warn(at, PATH, version, message);
                }
                minor
            }
            None => {
                let message = "this is no version; write `v1.N`, such as `v1.33`, or `latest`";
                mistakes.error(at, PATH, version, message);
                PodSecurity::LATEST
            }
        },
    };
    PodSecurity { level, minor }
}

/// Returns the `N` of `v1.N`.
fn minor(version: &str) -> Option<u16> {
    let digits = version.strip_prefix("v1.")?;
    let canonical = digits == "0" || !digits.starts_with('0');
    (canonical && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// Returns the values that the tenant's pods may have although the standard denies them.
pub(super) fn values(
    at: &At,
    written: Option<&api::PodSecurity>,
    mistakes: &mut Mistakes,
) -> PodSecurityValues {
    let Some(api::PodSecurityValues { capabilities, sysctls, host_ports }) =
        written.and_then(|written| written.allow.as_ref())
    else {
        return PodSecurityValues::default();
    };
    let mend = "name a value, or leave the field out: then pods may have what the level allows";
    let path = |field: &str| format!("spec.podSecurity.allow.{field}");
    let mut names = |written: Option<&Vec<String>>, field: &str, check: Check| -> ListedNames {
        let Some(written) = written else { return ListedNames::default() };
        refuse_empty(written, at, &path(field), mend, mistakes);
        for (index, name) in written.iter().enumerate() {
            check(at, format!("{}[{index}]", path(field)), name, mistakes);
        }
        written.iter().collect()
    };
    let capabilities = names(capabilities.as_ref(), "capabilities", capability);
    let sysctls = names(sysctls.as_ref(), "sysctls", sysctl);
    let host_ports = host_ports.as_ref().map_or_else(Vec::new, |written| {
        refuse_empty(written, at, &path("hostPorts"), mend, mistakes);
        for (index, port) in written.iter().enumerate().filter(|(_, port)| **port == 0) {
            let message = "this is no port; write a number between 1 and 65535";
            mistakes.error(at, format!("{}[{index}]", path("hostPorts")), port, message);
        }
        written.clone()
    });
    PodSecurityValues { capabilities, sysctls, host_ports }
}

/// Checks a listed name.
type Check = fn(&At, String, &str, &mut Mistakes);

fn capability(at: &At, path: String, name: &str, mistakes: &mut Mistakes) {
    let is_capability = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9'))
    };
    if name == "ALL" {
        let message = "these are all capabilities, and so the whole node; list those that the pods need";
        mistakes.error(at, path, name, message);
    } else if !is_capability(name) || name.starts_with("CAP_") {
        let message =
            "this is no capability; write its name in capital letters without `CAP_`, such as `NET_ADMIN`";
        mistakes.error(at, path, name, message);
    } else if OF_NODES.contains(&name) {
        let message = "a container with this capability can take over its node, and so whatever else runs there; \
             write an Exemption for the images that need it";
        mistakes.warn(at, path, name, message);
    }
}

fn sysctl(at: &At, path: String, name: &str, mistakes: &mut Mistakes) {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
    };
    if !name.contains(['.', '/']) || !name.split(['.', '/']).all(is_part) {
        let message =
            "this is no kernel setting; write its exact name, such as `net.core.somaxconn`, no pattern";
        mistakes.error(at, path, name, message);
    }
}
