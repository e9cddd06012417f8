//! Declares the fields that rules read of pods and pod templates, and the visitor of containers.
//!
//! Rules do not name `initContainers`: they visit containers through [`PodSpec::containers`], so that they cannot
//! forget a list.

use serde_json::value::RawValue;

use crate::json::{List, Pairs, Text, borrowed};
use crate::objects::claim::ClaimTemplate;
use crate::objects::container::{AppArmorProfile, Container, SeLinuxOptions, SeccompProfile, WindowsOptions};
use crate::objects::metadata::Metadata;
use crate::objects::scheduling::{Affinity, NodeSelectorTerm, Toleration};
use crate::objects::volume::Volume;

borrowed! {
    /// Holds a Pod.
    pub struct Pod<'a> {
        /// The pod's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The pod's spec.
        spec: Option<PodSpec<'a>> = "spec",
        /// The pod's status.
        status: PodStatusFields<'a> = "status",
    }
}

borrowed! {
    /// Holds a pod in a write to its status, which changes only the metadata and the status.
    pub struct PodStatus<'a> {
        /// The pod's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The pod's status.
        status: PodStatusFields<'a> = "status",
    }
}

borrowed! {
    /// Holds the fields that rules read of a pod's status.
    pub struct PodStatusFields<'a> {
        /// The node on which the scheduler keeps room for the pod while it evicts others.
        nominated_node_name: Text<'a> = "nominatedNodeName",
        /// The first address, to which Services that select the pod send requests.
        pod_ip: Text<'a> = "podIP",
        /// All of its addresses, not decoded.
        pod_ips: Option<&'a RawValue> = "podIPs",
        /// The address of the node, which external-dns publishes for some pods.
        host_ip: Text<'a> = "hostIP",
        /// All addresses of the node, not decoded.
        host_ips: Option<&'a RawValue> = "hostIPs",
    }
}

borrowed! {
    /// Holds a template of pods.
    pub struct PodTemplateSpec<'a> {
        /// The pods' metadata.
        metadata: Metadata<'a> = "metadata",
        /// The pods' spec.
        spec: Option<PodSpec<'a>> = "spec",
    }
}

borrowed! {
    /// Holds the spec of a kind with `spec.template`.
    pub struct TemplateOwnerSpec<'a> {
        /// The template; a ReplicationController may have none.
        template: Option<PodTemplateSpec<'a>> = "template",
        /// The templates of claims, of a StatefulSet.
        volume_claim_templates: List<ClaimTemplate<'a>, 1_000> = "volumeClaimTemplates",
    }
}

borrowed! {
    /// Holds a Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or ReplicationController.
    pub struct TemplateOwner<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: TemplateOwnerSpec<'a> = "spec",
    }
}

borrowed! {
    /// Holds the spec of a CronJob.
    pub struct CronJobSpec<'a> {
        /// The jobs' template.
        job_template: JobTemplate<'a> = "jobTemplate",
    }
}

borrowed! {
    /// Holds a template of Jobs.
    pub struct JobTemplate<'a> {
        /// The jobs' spec.
        spec: TemplateOwnerSpec<'a> = "spec",
    }
}

borrowed! {
    /// Holds a CronJob.
    pub struct CronJob<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: CronJobSpec<'a> = "spec",
    }
}

borrowed! {
    /// Holds a PodTemplate, whose template is not in a spec.
    pub struct PodTemplate<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The template.
        template: Option<PodTemplateSpec<'a>> = "template",
    }
}

borrowed! {
    /// Holds the fields that rules read of a pod's spec.
    pub struct PodSpec<'a> {
        /// The node that the pod is bound to, or that it requests without the scheduler.
        node_name: Text<'a> = "nodeName",
        /// The labels that the node must have.
        node_selector: Option<Pairs<'a>> = "nodeSelector",
        /// The affinity.
        affinity: Option<Affinity<'a>> = "affinity",
        /// The tolerations.
        tolerations: Option<List<Toleration<'a>>> = "tolerations",
        /// The gates that keep the scheduler from placing the pod until they are removed.
        scheduling_gates: List<SchedulingGate<'a>> = "schedulingGates",
        /// The containers.
        main_containers: List<Container<'a>, 2_000> = "containers",
        /// The init containers, including sidecars.
        init_containers: List<Container<'a>, 2_000> = "initContainers",
        /// The ephemeral containers, which are added while the pod runs.
        ephemeral_containers: List<Container<'a>, 2_000> = "ephemeralContainers",
        /// The volumes.
        volumes: List<Volume<'a>, 2_000> = "volumes",
        /// The security context of the pod.
        security_context: PodSecurityContext<'a> = "securityContext",
        /// True if the pod uses the node's network namespace.
        host_network: bool = "hostNetwork",
        /// True if the pod uses the node's PID namespace.
        host_pid: bool = "hostPID",
        /// True if the pod uses the node's IPC namespace.
        host_ipc: bool = "hostIPC",
        /// True if the pod uses the node's user namespace; absent means true.
        host_users: Option<bool> = "hostUsers",
        /// The operating system.
        os: PodOs<'a> = "os",
        /// The scheduler; empty means `default-scheduler`.
        scheduler_name: Text<'a> = "schedulerName",
        /// The priority class; empty means the cluster's default, or none.
        priority_class_name: Text<'a> = "priorityClassName",
        /// The runtime class; empty means the node's default.
        runtime_class_name: Text<'a> = "runtimeClassName",
    }
}

borrowed! {
    /// Holds a gate that keeps the scheduler from placing a pod.
    pub struct SchedulingGate<'a> {
        /// The name.
        name: Text<'a> = "name",
    }
}

borrowed! {
    /// Holds the operating system of a pod.
    pub struct PodOs<'a> {
        /// `linux` or `windows`.
        name: Text<'a> = "name",
    }
}

borrowed! {
    /// Holds the security context of a pod.
    pub struct PodSecurityContext<'a> {
        /// The SELinux labels.
        se_linux_options: Option<SeLinuxOptions<'a>> = "seLinuxOptions",
        /// The seccomp profile.
        seccomp_profile: Option<SeccompProfile<'a>> = "seccompProfile",
        /// The AppArmor profile.
        app_armor_profile: Option<AppArmorProfile<'a>> = "appArmorProfile",
        /// The Windows options.
        windows_options: Option<WindowsOptions> = "windowsOptions",
        /// True if the kubelet refuses to run containers as root.
        run_as_non_root: Option<bool> = "runAsNonRoot",
        /// The user id.
        run_as_user: Option<i64> = "runAsUser",
        /// The kernel settings.
        sysctls: List<Sysctl<'a>> = "sysctls",
    }
}

borrowed! {
    /// Holds a kernel setting.
    pub struct Sysctl<'a> {
        /// The name.
        name: Text<'a> = "name",
    }
}

/// Names the list that contains a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerList {
    /// `initContainers`.
    Init,
    /// `containers`.
    Main,
    /// `ephemeralContainers`.
    Ephemeral,
}

impl ContainerList {
    /// Returns the list's field name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Main => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// Holds a container with its list and index.
#[derive(Clone, Copy, Debug)]
pub struct ContainerAt<'v, 'a> {
    /// The list.
    pub list: ContainerList,
    /// The index in the list.
    pub index: usize,
    /// The container.
    pub container: &'v Container<'a>,
}

impl<'a> PodSpec<'a> {
    /// Returns the value that the nodeSelector requires of a label.
    pub fn selected(&self, key: &str) -> Option<&str> {
        self.node_selector.as_ref().and_then(|selector| selector.get(key))
    }

    /// Returns whether the pod is made for a shell on a node, as `kubectl debug node/NAME` makes it.
    pub(crate) fn is_node_shell(&self) -> bool {
        self.host_pid && !self.node_name.is_empty()
    }

    /// Iterates over the containers of all lists.
    pub fn containers(&self) -> impl Iterator<Item = ContainerAt<'_, 'a>> {
        [
            (ContainerList::Init, &self.init_containers),
            (ContainerList::Main, &self.main_containers),
            (ContainerList::Ephemeral, &self.ephemeral_containers),
        ]
        .into_iter()
        .flat_map(|(list, containers)| {
            containers.iter().enumerate().map(move |(index, container)| ContainerAt {
                list,
                index,
                container,
            })
        })
    }

    /// The tolerations.
    pub fn tolerations(&self) -> &[Toleration<'a>] {
        self.tolerations.as_deref().unwrap_or_default()
    }

    /// Returns the terms of the required node affinity, or `None` if every node matches.
    pub(crate) fn required_terms(&self) -> Option<&[NodeSelectorTerm<'a>]> {
        let required = self.affinity.as_ref()?.node_affinity.as_ref()?.required.as_ref()?;
        Some(required.terms.as_deref().unwrap_or_default())
    }
}

/// Tells how much of a pod an object contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The pod itself.
    Pod,
    /// A template, whose pods are stamped when they are created.
    Template,
    /// The metadata that a Binding writes into an existing pod; it does not affect where the pod runs.
    Binding,
}

/// Views a pod, or the pod that a template describes, with the paths of its fields in the object.
#[derive(Clone, Copy, Debug)]
pub struct PodView<'v, 'a> {
    /// The part of the pod that the object contains.
    pub extent: Extent,
    /// The path of the spec: `spec`, `spec.template.spec`, ...
    pub(crate) spec_path: &'v str,
    /// The path of the metadata: `metadata`, `spec.template.metadata`, ...
    pub(crate) metadata_path: &'v str,
    /// The metadata.
    pub metadata: &'v Metadata<'a>,
    /// The spec.
    pub spec: &'v PodSpec<'a>,
}

impl<'v, 'a> PodView<'v, 'a> {
    /// Returns the view of a pod, or `None` if it has no spec.
    pub(crate) fn of_pod(Pod { metadata, spec, status: _ }: &'v Pod<'a>) -> Option<Self> {
        let spec = spec.as_ref()?;
        Some(Self { extent: Extent::Pod, spec_path: "spec", metadata_path: "metadata", metadata, spec })
    }

    /// Returns whether the pod claims to be a mirror pod.
    pub fn is_mirror(&self) -> bool {
        self.extent != Extent::Template
            && self.metadata.annotations.get("kubernetes.io/config.mirror").is_some()
    }

    /// Returns the view of a template whose spec and metadata have the given paths.
    pub(crate) fn of_template(
        template: Option<&'v PodTemplateSpec<'a>>,
        (spec_path, metadata_path): (&'v str, &'v str),
    ) -> Option<Self> {
        let PodTemplateSpec { metadata, spec } = template?;
        let spec = spec.as_ref()?;
        Some(Self { extent: Extent::Template, spec_path, metadata_path, metadata, spec })
    }
}

/// Holds the paths of the spec and metadata in a kind with `spec.template`.
pub(crate) const IN_SPEC: (&str, &str) = ("spec.template.spec", "spec.template.metadata");
/// Holds the paths of the spec and metadata in a CronJob.
pub(crate) const IN_JOB_TEMPLATE: (&str, &str) =
    ("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.template.metadata");
/// Holds the paths of the spec and metadata in a PodTemplate.
pub(crate) const IN_OBJECT: (&str, &str) = ("template.spec", "template.metadata");
