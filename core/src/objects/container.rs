//! What the rules read of a container.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{List, Text, record};

record! {
    /// A container of any list.
    pub struct Container<'a> {
        /// Its name, unique among all containers of the pod.
        name: Text<'a> = "name",
        /// Its image.
        image: Text<'a> = "image",
        /// The ports it takes of its node.
        host_ports: HostPorts = "ports",
        /// What it asks of its node, unread: of hardly any pod does it matter.
        resources: Option<&'a RawValue> = "resources",
        /// Its security context.
        security_context: ContainerSecurityContext<'a> = "securityContext",
        /// The probe that restarts it.
        liveness_probe: Option<Probe<'a>> = "livenessProbe",
        /// The probe that takes it out of Services.
        readiness_probe: Option<Probe<'a>> = "readinessProbe",
        /// The probe that holds the others back.
        startup_probe: Option<Probe<'a>> = "startupProbe",
        /// What runs after its start and before its end.
        lifecycle: Option<Lifecycle<'a>> = "lifecycle",
        /// The volumes it sees.
        volume_mounts: List<VolumeMount<'a>, 2_000> = "volumeMounts",
    }
}

impl<'a> Container<'a> {
    /// The resources that it asks for some of. What cannot be read asks for nothing.
    pub fn asked_for(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let resources = self.resources.and_then(|raw| serde_json::from_str::<Resources<'a>>(raw.get()).ok());
        let amounts = resources.into_iter().flat_map(|Resources { requests, limits }| [requests, limits]);
        amounts.flatten().flatten().filter(|(_, amount)| is_some(amount.get())).map(|(name, _)| name)
    }
}

/// Whether an amount is more than nothing: a number, or the text of one. An exponent makes nothing more of zero.
fn is_some(amount: &str) -> bool {
    let digits = amount.split(['e', 'E']).next().unwrap_or_default();
    digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

record! {
    /// What a container asks of its node.
    struct Resources<'a> {
        /// What it must get.
        requests: Option<HashMap<Text<'a>, &'a RawValue>> = "requests",
        /// What it gets at most, and what it must get where it says nothing else.
        limits: Option<HashMap<Text<'a>, &'a RawValue>> = "limits",
    }
}

record! {
    /// A port of a container.
    struct ContainerPort {
        /// The node's port; 0: none.
        host_port: i64 = "hostPort",
    }
}

/// Those of a container's ports that are ports of its node, by their place among all of them: hardly any pod has one.
#[derive(Debug, Default)]
pub struct HostPorts(Vec<(usize, i64)>);

impl HostPorts {
    /// The places and the ports.
    pub fn iter(&self) -> impl Iterator<Item = (usize, i64)> {
        self.0.iter().copied()
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

/// How many ports a container has at most.
const PORTS: usize = 20_000;

record! {
    /// A volume in a container.
    pub struct VolumeMount<'a> {
        /// The volume's name.
        name: Text<'a> = "name",
    }
}

record! {
    /// The security context of a container.
    pub struct ContainerSecurityContext<'a> {
        /// Whether it owns the node.
        privileged: bool = "privileged",
        /// Linux capabilities.
        capabilities: Option<Capabilities<'a>> = "capabilities",
        /// SELinux labels.
        se_linux_options: Option<SeLinuxOptions<'a>> = "seLinuxOptions",
        /// The seccomp profile.
        seccomp_profile: Option<SeccompProfile<'a>> = "seccompProfile",
        /// The AppArmor profile.
        app_armor_profile: Option<AppArmorProfile<'a>> = "appArmorProfile",
        /// Windows options.
        windows_options: Option<WindowsOptions> = "windowsOptions",
        /// How much of `/proc` it sees.
        proc_mount: Option<Text<'a>> = "procMount",
        /// Whether a process may gain more privileges than its parent.
        allow_privilege_escalation: Option<bool> = "allowPrivilegeEscalation",
        /// Whether a root user is refused.
        run_as_non_root: Option<bool> = "runAsNonRoot",
        /// The user.
        run_as_user: Option<i64> = "runAsUser",
    }
}

record! {
    /// Linux capabilities.
    pub struct Capabilities<'a> {
        /// Those added.
        add: List<Text<'a>> = "add",
        /// Those dropped.
        drop: List<Text<'a>> = "drop",
    }
}

record! {
    /// SELinux labels.
    pub struct SeLinuxOptions<'a> {
        /// The user.
        user: Text<'a> = "user",
        /// The role.
        role: Text<'a> = "role",
        /// The type.
        type_: Text<'a> = "type",
    }
}

record! {
    /// A seccomp profile.
    pub struct SeccompProfile<'a> {
        /// `RuntimeDefault`, `Localhost` or `Unconfined`.
        type_: Text<'a> = "type",
    }
}

record! {
    /// An AppArmor profile.
    pub struct AppArmorProfile<'a> {
        /// `RuntimeDefault`, `Localhost` or `Unconfined`.
        type_: Text<'a> = "type",
    }
}

record! {
    /// Windows options.
    pub struct WindowsOptions {
        /// Whether it runs as a process of the node.
        host_process: bool = "hostProcess",
    }
}

record! {
    /// A probe.
    pub struct Probe<'a> {
        /// Over HTTP.
        http_get: Option<HandlerTarget<'a>> = "httpGet",
        /// Over TCP.
        tcp_socket: Option<HandlerTarget<'a>> = "tcpSocket",
    }
}

record! {
    /// The hooks of a container.
    pub struct Lifecycle<'a> {
        /// After its start.
        post_start: Option<Handler<'a>> = "postStart",
        /// Before its end.
        pre_stop: Option<Handler<'a>> = "preStop",
    }
}

record! {
    /// A hook.
    pub struct Handler<'a> {
        /// Over HTTP.
        http_get: Option<HandlerTarget<'a>> = "httpGet",
        /// Over TCP.
        tcp_socket: Option<HandlerTarget<'a>> = "tcpSocket",
    }
}

record! {
    /// Where a probe or hook connects to.
    pub struct HandlerTarget<'a> {
        /// The host; empty: the pod itself.
        host: Text<'a> = "host",
    }
}
