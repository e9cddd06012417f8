//! Declares the fields that rules read of containers.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{List, Text, borrowed};
use crate::work;

borrowed! {
    /// Holds a container of any list.
    pub struct Container<'a> {
        /// The name, unique among all containers of the pod.
        name: Text<'a> = "name",
        /// The image.
        image: Text<'a> = "image",
        /// The ports that the container occupies on its node.
        host_ports: HostPorts = "ports",
        /// The requested resources, not decoded, since they matter for few pods.
        resources: Option<&'a RawValue> = "resources",
        /// The security context.
        security_context: ContainerSecurityContext<'a> = "securityContext",
        /// The liveness probe, which restarts the container.
        liveness_probe: Option<Probe<'a>> = "livenessProbe",
        /// The readiness probe, which removes the pod from Services.
        readiness_probe: Option<Probe<'a>> = "readinessProbe",
        /// The startup probe, which delays the other probes.
        startup_probe: Option<Probe<'a>> = "startupProbe",
        /// The hooks that run after the start and before the end.
        lifecycle: Option<Lifecycle<'a>> = "lifecycle",
        /// The mounted volumes.
        volume_mounts: List<VolumeMount<'a>, 2_000> = "volumeMounts",
    }
}

impl<'a> Container<'a> {
    /// Iterates over the resources of which the container requests more than zero.
    ///
    /// Resources that do not decode count as none.
    pub(crate) fn asked_for(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let resources = self.resources.and_then(|raw| serde_json::from_str::<Resources<'a>>(raw.get()).ok());
        let amounts = resources.into_iter().flat_map(|Resources { requests, limits }| [requests, limits]);
        amounts.flatten().flatten().filter(|(_, amount)| is_some(amount.get())).map(|(name, _)| name)
    }
}

/// Returns whether an amount, a number or a string, is more than zero.
///
/// An exponent does not make zero any greater.
fn is_some(amount: &str) -> bool {
    let digits = amount.split(['e', 'E']).next().unwrap_or_default();
    digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

borrowed! {
    /// Holds the resources that a container requests.
    struct Resources<'a> {
        /// The requested amounts.
        requests: Option<HashMap<Text<'a>, &'a RawValue>> = "requests",
        /// The limits, which are also the requests where those are missing.
        limits: Option<HashMap<Text<'a>, &'a RawValue>> = "limits",
    }
}

borrowed! {
    /// Holds a port of a container.
    struct ContainerPort {
        /// The node's port; 0 means none.
        host_port: i64 = "hostPort",
    }
}

/// Holds the host ports of a container with their indices among all ports; few pods have any.
#[derive(Debug, Default)]
pub struct HostPorts(Vec<(usize, i64)>);

impl HostPorts {
    /// Iterates over the indices and the host ports.
    pub fn iter(&self) -> impl Iterator<Item = (usize, i64)> {
        self.0.iter().copied().take_while(|_| work::charge(1))
    }
}

impl<'de> Deserialize<'de> for HostPorts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PortsVisitor;

        impl<'de> Visitor<'de> for PortsVisitor {
            type Value = HostPorts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {PORTS} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<HostPorts, A::Error> {
                let mut taken = Vec::new();
                let mut index = 0;
                while let Some(ContainerPort { host_port }) = list.next_element()? {
                    if index == PORTS {
                        return Err(A::Error::invalid_length(PORTS + 1, &self));
                    }
                    if host_port != 0 {
                        taken.push((index, host_port));
                    }
                    index += 1;
                }
                Ok(HostPorts(taken))
            }
        }

        deserializer.deserialize_seq(PortsVisitor)
    }
}

/// Limits the number of ports of a container.
const PORTS: usize = 20_000;

borrowed! {
    /// Holds a volume mount.
    pub struct VolumeMount<'a> {
        /// The volume's name.
        name: Text<'a> = "name",
    }
}

borrowed! {
    /// Holds the security context of a container.
    pub struct ContainerSecurityContext<'a> {
        /// True if the container is privileged.
        privileged: bool = "privileged",
        /// The Linux capabilities.
        capabilities: Option<Capabilities<'a>> = "capabilities",
        /// The SELinux labels.
        se_linux_options: Option<SeLinuxOptions<'a>> = "seLinuxOptions",
        /// The seccomp profile.
        seccomp_profile: Option<SeccompProfile<'a>> = "seccompProfile",
        /// The AppArmor profile.
        app_armor_profile: Option<AppArmorProfile<'a>> = "appArmorProfile",
        /// The Windows options.
        windows_options: Option<WindowsOptions> = "windowsOptions",
        /// The proc mount type.
        proc_mount: Option<Text<'a>> = "procMount",
        /// True if a process may gain more privileges than its parent.
        allow_privilege_escalation: Option<bool> = "allowPrivilegeEscalation",
        /// True if the kubelet refuses to run the container as root.
        run_as_non_root: Option<bool> = "runAsNonRoot",
        /// The user.
        run_as_user: Option<i64> = "runAsUser",
    }
}

borrowed! {
    /// The Linux capabilities.
    pub struct Capabilities<'a> {
        /// The added capabilities.
        add: List<Text<'a>> = "add",
        /// The dropped capabilities.
        drop: List<Text<'a>> = "drop",
    }
}

borrowed! {
    /// The SELinux labels.
    pub struct SeLinuxOptions<'a> {
        /// The user.
        user: Text<'a> = "user",
        /// The role.
        role: Text<'a> = "role",
        /// The type.
        type_: Text<'a> = "type",
    }
}

borrowed! {
    /// Holds a seccomp profile.
    pub struct SeccompProfile<'a> {
        /// `RuntimeDefault`, `Localhost` or `Unconfined`.
        type_: Text<'a> = "type",
    }
}

borrowed! {
    /// Holds an AppArmor profile.
    pub struct AppArmorProfile<'a> {
        /// `RuntimeDefault`, `Localhost` or `Unconfined`.
        type_: Text<'a> = "type",
    }
}

borrowed! {
    /// The Windows options.
    pub struct WindowsOptions {
        /// True if the container is a HostProcess container.
        host_process: bool = "hostProcess",
    }
}

borrowed! {
    /// Holds a probe.
    pub struct Probe<'a> {
        /// The HTTP handler.
        http_get: Option<HandlerTarget<'a>> = "httpGet",
        /// The TCP handler.
        tcp_socket: Option<HandlerTarget<'a>> = "tcpSocket",
    }
}

borrowed! {
    /// Holds the lifecycle hooks of a container.
    pub struct Lifecycle<'a> {
        /// The hook after the start.
        post_start: Option<Handler<'a>> = "postStart",
        /// The hook before the end.
        pre_stop: Option<Handler<'a>> = "preStop",
    }
}

borrowed! {
    /// Holds a lifecycle hook.
    pub struct Handler<'a> {
        /// The HTTP handler.
        http_get: Option<HandlerTarget<'a>> = "httpGet",
        /// The TCP handler.
        tcp_socket: Option<HandlerTarget<'a>> = "tcpSocket",
    }
}

borrowed! {
    /// Holds the target of a probe or hook.
    pub struct HandlerTarget<'a> {
        /// The host; empty means the pod itself.
        host: Text<'a> = "host",
    }
}
