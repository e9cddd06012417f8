//! Where each kind keeps its pod spec, what the rules read of it, and the one visitor of containers.
//!
//! No rule names `initContainers`: whoever walks containers walks [`PodSpec::containers`], so that no list can
//! be forgotten.

use crate::json::{List, Pairs, Text, record};
use crate::objects::container::{AppArmorProfile, Container, SeLinuxOptions, SeccompProfile, WindowsOptions};
use crate::objects::metadata::Metadata;
use crate::objects::scheduling::{Affinity, NodeSelectorTerm, Toleration};
use crate::objects::volume::Volume;

record! {
    /// A Pod.
    pub struct Pod<'a> {
        /// The pod's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The pod's spec.
        spec: Option<PodSpec<'a>> = "spec",
    }
}

record! {
    /// A template of pods.
    pub struct PodTemplateSpec<'a> {
        /// The pods' metadata.
        metadata: Metadata<'a> = "metadata",
        /// The pods' spec.
        spec: Option<PodSpec<'a>> = "spec",
    }
}

record! {
    /// What all kinds with `spec.template` have in common.
    pub struct TemplateOwnerSpec<'a> {
        /// The template, which a ReplicationController may lack.
        template: Option<PodTemplateSpec<'a>> = "template",
    }
}

record! {
    /// A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or ReplicationController.
    pub struct TemplateOwner<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: TemplateOwnerSpec<'a> = "spec",
    }
}

record! {
    /// The spec of a CronJob.
    pub struct CronJobSpec<'a> {
        /// The jobs' template.
        job_template: JobTemplate<'a> = "jobTemplate",
    }
}

record! {
    /// A template of Jobs.
    pub struct JobTemplate<'a> {
        /// The jobs' spec.
        spec: TemplateOwnerSpec<'a> = "spec",
    }
}

record! {
    /// A CronJob.
    pub struct CronJob<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The object's spec.
        spec: CronJobSpec<'a> = "spec",
    }
}

record! {
    /// A PodTemplate, whose template does not lie in a spec.
    pub struct PodTemplate<'a> {
        /// The object's metadata.
        metadata: Metadata<'a> = "metadata",
        /// The template.
        template: Option<PodTemplateSpec<'a>> = "template",
    }
}

record! {
    /// What the rules read of a pod's spec.
    pub struct PodSpec<'a> {
        /// The node the pod is bound to, or asks for past the scheduler.
        node_name: Text<'a> = "nodeName",
        /// The labels its node must carry.
        node_selector: Option<Pairs<'a>> = "nodeSelector",
        /// Where it wants to run.
        affinity: Option<Affinity<'a>> = "affinity",
        /// The taints it tolerates.
        tolerations: Option<List<Toleration<'a>>> = "tolerations",
        /// The containers.
        main_containers: List<Container<'a>, 2_000> = "containers",
        /// The init containers, sidecars among them.
        init_containers: List<Container<'a>, 2_000> = "initContainers",
        /// The containers added while it runs.
        ephemeral_containers: List<Container<'a>, 2_000> = "ephemeralContainers",
        /// The volumes.
        volumes: List<Volume<'a>, 2_000> = "volumes",
        /// What holds for all containers.
        security_context: PodSecurityContext<'a> = "securityContext",
        /// Whether it shares the node's network.
        host_network: bool = "hostNetwork",
        /// Whether it sees the node's processes.
        host_pid: bool = "hostPID",
        /// Whether it shares the node's IPC.
        host_ipc: bool = "hostIPC",
        /// Whether it runs in the node's user namespace; absent: it does.
        host_users: Option<bool> = "hostUsers",
        /// The operating system it is for.
        os: PodOs<'a> = "os",
        /// Who finds a node for it; empty: `default-scheduler`.
        scheduler_name: Text<'a> = "schedulerName",
        /// How it weighs against other pods; empty: the cluster's default, or none.
        priority_class_name: Text<'a> = "priorityClassName",
        /// What runs it; empty: the node's default.
        runtime_class_name: Text<'a> = "runtimeClassName",
    }
}

record! {
    /// The operating system a pod is for.
    pub struct PodOs<'a> {
        /// `linux` or `windows`.
        name: Text<'a> = "name",
    }
}

record! {
    /// The security context of a pod.
    pub struct PodSecurityContext<'a> {
        /// SELinux labels.
        se_linux_options: Option<SeLinuxOptions<'a>> = "seLinuxOptions",
        /// The seccomp profile.
        seccomp_profile: Option<SeccompProfile<'a>> = "seccompProfile",
        /// The AppArmor profile.
        app_armor_profile: Option<AppArmorProfile<'a>> = "appArmorProfile",
        /// Windows options.
        windows_options: Option<WindowsOptions> = "windowsOptions",
        /// Whether a root user is refused.
        run_as_non_root: Option<bool> = "runAsNonRoot",
        /// The user.
        run_as_user: Option<i64> = "runAsUser",
        /// Kernel settings.
        sysctls: List<Sysctl<'a>> = "sysctls",
    }
}

record! {
    /// A kernel setting.
    pub struct Sysctl<'a> {
        /// Its name.
        name: Text<'a> = "name",
    }
}

/// Which list a container is in.
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
    /// The list's field name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Main => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// A container and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'v, 'a> {
    /// Its list.
    pub list: ContainerList,
    /// Its place in the list.
    pub index: usize,
    /// The container.
    pub container: &'v Container<'a>,
}

impl<'a> PodSpec<'a> {
    /// The value that the nodeSelector asks of a label.
    pub fn selected(&self, key: &str) -> Option<&str> {
        self.node_selector.as_ref().and_then(|selector| selector.get(key))
    }

    /// Every container of every list.
    pub fn containers(&self) -> impl Iterator<Item = Placed<'_, 'a>> {
        [
            (ContainerList::Init, &self.init_containers),
            (ContainerList::Main, &self.main_containers),
            (ContainerList::Ephemeral, &self.ephemeral_containers),
        ]
        .into_iter()
        .flat_map(|(list, containers)| {
            containers.iter().enumerate().map(move |(index, container)| Placed { list, index, container })
        })
    }

    /// The tolerations.
    pub fn tolerations(&self) -> &[Toleration<'a>] {
        self.tolerations.as_deref().unwrap_or_default()
    }

    /// The terms of the required node affinity; `None`: there is none, and every node will do.
    pub fn required_terms(&self) -> Option<&[NodeSelectorTerm<'a>]> {
        let required = self.affinity.as_ref()?.node_affinity.as_ref()?.required.as_ref()?;
        Some(required.terms.as_deref().unwrap_or_default())
    }
}

/// How much of a pod an object shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The pod itself.
    Pod,
    /// A template, whose pods are stamped when they are made.
    Template,
    /// The metadata that a binding writes into a pod that was stamped before: where it may run is not in it.
    Binding,
}

/// A pod, or the pod that a template will make, and where its fields lie in the object.
#[derive(Clone, Copy, Debug)]
pub struct PodView<'v, 'a> {
    /// How much of it there is.
    pub extent: Extent,
    /// Where its spec lies: `spec`, `spec.template.spec`, ...
    pub spec_path: &'static str,
    /// Where its metadata lies: `metadata`, `spec.template.metadata`, ...
    pub metadata_path: &'static str,
    /// Its metadata.
    pub metadata: &'v Metadata<'a>,
    /// Its spec.
    pub spec: &'v PodSpec<'a>,
}

impl<'v, 'a> PodView<'v, 'a> {
    /// The view of a pod itself; `None`: it has no spec.
    pub fn of_pod(Pod { metadata, spec }: &'v Pod<'a>) -> Option<Self> {
        let spec = spec.as_ref()?;
        Some(Self { extent: Extent::Pod, spec_path: "spec", metadata_path: "metadata", metadata, spec })
    }

    /// Whether it claims to be the mirror of a static pod.
    pub fn is_mirror(&self) -> bool {
        self.extent != Extent::Template
            && self.metadata.annotations.get("kubernetes.io/config.mirror").is_some()
    }

    /// The view of a template that lies at `paths` (its spec's and its metadata's).
    pub fn of_template(
        template: Option<&'v PodTemplateSpec<'a>>,
        (spec_path, metadata_path): (&'static str, &'static str),
    ) -> Option<Self> {
        let PodTemplateSpec { metadata, spec } = template?;
        let spec = spec.as_ref()?;
        Some(Self { extent: Extent::Template, spec_path, metadata_path, metadata, spec })
    }
}

/// Where the template of a kind with `spec.template` lies.
pub const IN_SPEC: (&str, &str) = ("spec.template.spec", "spec.template.metadata");
/// Where the template of a CronJob lies.
pub const IN_JOB_TEMPLATE: (&str, &str) =
    ("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.template.metadata");
/// Where the template of a PodTemplate lies.
pub const IN_OBJECT: (&str, &str) = ("template.spec", "template.metadata");
