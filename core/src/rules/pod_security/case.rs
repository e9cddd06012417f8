//! Defines what a control judges and where it reports violations.

use std::cell::Cell;
use std::fmt;

use crate::api::Level;
use crate::json::Escaped;
use crate::judging::{About, Finding, Findings, Fingerprint};
use crate::objects::container::ContainerSecurityContext;
use crate::objects::pod::{ContainerAt, ContainerList, PodSecurityContext, PodSpec, PodView};
use crate::tenancy::{PodSecurity, PodSecurityValues, Tenant};

/// The version since which a standard trusts `spec.os`.
///
/// The kubelets for which such a standard is meant refuse a pod for another operating system than the node's.
pub(super) const OS_SINCE: u16 = 25;

/// The version since which a user namespace exempts a pod from controls against root on the node.
pub(super) const USER_NAMESPACES_SINCE: u16 = 35;

/// Holds a pod and the version of the standard that judges it.
pub(super) struct Case<'p> {
    /// The pod.
    pub(super) pod: PodView<'p, 'p>,
    /// The minor number of the version.
    pub(super) minor: u16,
    level: Level,
    user_namespaces: bool,
    /// The values that the tenant's pods may have at any level.
    values: Option<&'p PodSecurityValues>,
    /// The types of network volumes that the tenant's pods may have at any level.
    network_volumes: &'p [Box<str>],
    /// Whether a message advises a profile of `kubectl debug` already.
    advises_profile: Cell<bool>,
}

impl<'p> Case<'p> {
    /// Returns a case; `user_namespaces` says that every node supports them.
    pub(super) const fn new(pod: PodView<'p, 'p>, standard: PodSecurity, user_namespaces: bool) -> Self {
        let PodSecurity { level, minor } = standard;
        Self {
            pod,
            minor,
            level,
            user_namespaces,
            values: None,
            network_volumes: &[],
            advises_profile: Cell::new(false),
        }
    }

    /// Returns the case of a tenant's pod.
    pub(super) fn of_tenant(self, tenant: &'p Tenant) -> Self {
        let network_volumes = &tenant.storage.network_volumes;
        Self { values: Some(&tenant.pod_security_values), network_volumes, ..self }
    }

    /// Returns the capabilities that the tenant's containers may add at any level.
    pub(super) fn capabilities(&self) -> &'p [Box<str>] {
        self.values.map_or(&[], |values| &values.capabilities)
    }

    /// Returns the kernel settings that the tenant's pods may set at any level.
    pub(super) fn sysctls(&self) -> &'p [Box<str>] {
        self.values.map_or(&[], |values| &values.sysctls)
    }

    /// Returns the ports of nodes that the tenant's containers may take at any level.
    pub(super) fn host_ports(&self) -> &'p [u16] {
        self.values.map_or(&[], |values| &values.host_ports)
    }

    /// Returns whether the tenant's pods may have volumes of this type at any level.
    pub(super) fn may_have_volume(&self, kind: &str) -> bool {
        self.network_volumes.iter().any(|listed| **listed == *kind)
    }

    /// Returns the pod's spec.
    pub(super) const fn spec(&self) -> &'p PodSpec<'p> {
        self.pod.spec
    }

    /// Returns every container of every list.
    pub(super) fn containers(&self) -> impl Iterator<Item = ContainerAt<'p, 'p>> + use<'p> {
        self.pod.spec.containers()
    }

    /// Returns the pod and every container of every list that set a field of the security context.
    ///
    /// `of_pod` and `of_container` read the field. The pod comes first.
    pub(super) fn parts<T: 'p>(
        &self,
        of_pod: fn(&'p PodSecurityContext<'p>) -> Option<T>,
        of_container: fn(&'p ContainerSecurityContext<'p>) -> Option<T>,
    ) -> impl Iterator<Item = (PodOrContainer<'p>, T)> + use<'p, T> {
        let pod = of_pod(&self.pod.spec.security_context).map(|value| (PodOrContainer::Pod, value));
        let containers = self.containers().filter_map(move |placed| {
            Some((PodOrContainer::Container(placed), of_container(&placed.container.security_context)?))
        });
        pod.into_iter().chain(containers)
    }

    /// Returns whether the pod is for Windows, where Linux's own protections do not exist.
    pub(super) fn is_for_windows(&self) -> bool {
        self.minor >= OS_SINCE && &*self.pod.spec.os.name == "windows"
    }

    /// Returns whether root in the pod is an unprivileged user on the node.
    ///
    /// A request for a user namespace proves nothing where some node ignores `hostUsers`.
    pub(super) fn is_in_user_namespace(&self) -> bool {
        self.user_namespaces && self.asks_for_user_namespace()
    }

    const fn asks_for_user_namespace(&self) -> bool {
        self.minor >= USER_NAMESPACES_SINCE && matches!(self.pod.spec.host_users, Some(false))
    }

    /// Returns the advice for a pod that asks for a user namespace in vain; for other pods it is empty.
    pub(super) const fn user_namespace_advice(&self) -> &'static str {
        if self.asks_for_user_namespace() {
            ", or, if every node supports user namespaces, ask the platform team to set `userNamespaces` to true in \
             the Settings: then `hostUsers: false` is enough"
        } else {
            ""
        }
    }
}

/// Names the part of a pod that sets a field.
#[derive(Clone, Copy)]
pub(super) enum PodOrContainer<'p> {
    /// The pod.
    Pod,
    /// A container.
    Container(ContainerAt<'p, 'p>),
}

impl PodOrContainer<'_> {
    /// Returns the advice for a container that `kubectl debug` adds; for other parts it is empty.
    const fn advice(&self, level: Level) -> &'static str {
        match (self, level) {
            (Self::Container(ContainerAt { list: ContainerList::Ephemeral, .. }), Level::Restricted) => {
                "; with `kubectl debug`, use `--profile=restricted`"
            }
            (Self::Container(ContainerAt { list: ContainerList::Ephemeral, .. }), _) => {
                "; with `kubectl debug`, use `--profile=baseline`"
            }
            (Self::Pod | Self::Container(_), _) => "",
        }
    }
}

impl fmt::Display for PodOrContainer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod => f.write_str("the pod"),
            Self::Container(placed) => write!(f, "container `{}`", Escaped(&placed.container.name)),
        }
    }
}

/// Formats the type of a profile for a message.
pub(super) struct Type<'t>(pub(super) &'t str);

impl fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("without a type"),
            name => write!(f, "of type `{}`", Escaped(name)),
        }
    }
}

/// Formats the names that a minor version allows and those that the Tenant lists, with commas between them.
pub(super) struct Allowed<'l> {
    /// All names, each with the minor version that allowed it.
    pub(super) names: &'static [(u16, &'static str)],
    /// The minor version.
    pub(super) minor: u16,
    /// The names that the Tenant lists.
    pub(super) listed: &'l [Box<str>],
}

impl fmt::Display for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowed = self.names.iter().filter(|(since, name)| *since <= self.minor && !name.is_empty());
        let listed = self.listed.iter().map(|name| &**name).take(LISTED);
        write_names(f, allowed.map(|(_, name)| *name).chain(listed))
    }
}

/// Limits how many of a Tenant's listed values a message names.
const LISTED: usize = 10;

/// Formats names for a message, with commas between them.
pub(super) struct NameList<'l>(pub(super) &'l [&'l str]);

impl fmt::Display for NameList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_names(f, self.0.iter().copied())
    }
}

/// Formats the names of the standard and those that the Tenant lists, with commas between them.
pub(super) struct WithListed<'l>(pub(super) &'l [&'l str], pub(super) &'l [Box<str>]);

impl fmt::Display for WithListed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = self.1.iter().map(|name| &**name).take(LISTED);
        write_names(f, self.0.iter().copied().chain(listed))
    }
}

fn write_names<'n>(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = &'n str>) -> fmt::Result {
    for (index, name) in names.enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        f.write_str(name)?;
    }
    Ok(())
}

/// Collects the findings of one control.
pub(super) struct Found<'c, 'f> {
    control: &'static str,
    spec_path: &'c str,
    metadata_path: &'c str,
    level: Level,
    advises_profile: &'c Cell<bool>,
    long_name: LongName,
    findings: &'c mut Findings<'f>,
}

impl<'c, 'f> Found<'c, 'f> {
    /// Returns the findings of `control` in the pod of a case.
    pub(super) const fn new(
        control: &'static str,
        case: &'c Case<'_>,
        findings: &'c mut Findings<'f>,
    ) -> Self {
        Self {
            control,
            spec_path: case.pod.spec_path,
            metadata_path: case.pod.metadata_path,
            level: case.level,
            advises_profile: &case.advises_profile,
            long_name: LongName(Cell::new(None)),
            findings,
        }
    }

    /// Reports a violation in `field` of the pod or a container; the message names that part, then `problem`.
    ///
    /// `value` distinguishes the violation from others of this control in this part, whatever its index.
    pub(super) fn add(
        &mut self,
        part: PodOrContainer<'_>,
        field: impl fmt::Display,
        value: impl fmt::Display,
        problem: impl fmt::Display,
    ) {
        let Self { spec_path: spec, long_name, findings, .. } = self;
        // One message advises the profile, so that the others stay short.
        let advice = if self.advises_profile.get() { "" } else { part.advice(self.level) };
        let message = &format_args!("{part} {problem}{advice}");
        let control = Some(self.control);
        let is_new = match part {
            PodOrContainer::Pod => findings.add(Finding {
                control,
                field: &format_args!("{spec}.{field}"),
                message,
                identity: &format_args!("pod {value}"),
                about: About::Whole,
            }),
            PodOrContainer::Container(ContainerAt { list, index, container }) => {
                let name = long_name.of((list.as_str(), index), &container.name);
                findings.add(Finding {
                    control,
                    field: &format_args!("{spec}.{}[{index}].{field}", list.as_str()),
                    message,
                    identity: &format_args!("container {name} {value}"),
                    about: About::Container(&container.name),
                })
            }
        };
        if is_new && !advice.is_empty() {
            self.advises_profile.set(true);
        }
    }

    /// Reports a violation in the type of the volume `name` at `index`.
    pub(super) fn add_volume(
        &mut self,
        (index, name): (usize, &str),
        kind: &str,
        value: impl fmt::Display,
        problem: impl fmt::Display,
    ) {
        let Self { spec_path: spec, long_name, findings, .. } = self;
        let short = long_name.of(("volumes", index), name);
        findings.add(Finding {
            control: Some(self.control),
            field: &format_args!("{spec}.volumes[{index}].{}", Escaped(kind)),
            message: &format_args!("volume `{}` {problem}", Escaped(name)),
            identity: &format_args!("volume {short} {kind} {value}"),
            about: About::Volume(name),
        });
    }

    /// Reports a violation in an annotation, which concerns one container or the pod.
    pub(super) fn add_annotation(
        &mut self,
        (key, value): (&str, &str),
        container: Option<&str>,
        problem: impl fmt::Display,
    ) {
        let message = fmt::from_fn(|f| match container {
            Some(name) => write!(f, "container `{}` {problem}", Escaped(name)),
            None => write!(f, "the pod {problem}"),
        });
        let metadata = self.metadata_path;
        self.findings.add(Finding {
            control: Some(self.control),
            field: &format_args!("{metadata}.annotations[{}]", Escaped(key)),
            message: &message,
            identity: &format_args!("annotation {key} {value}"),
            about: container.map_or(About::Whole, About::Container),
        });
    }
}

/// Keeps the hash of the long name of a container or volume, for as long as findings are about it.
struct LongName(Cell<Option<((&'static str, usize), Fingerprint)>>);

impl LongName {
    /// The length up to which names are printed; Kubernetes accepts none that is longer.
    const SHORT: usize = 64;

    /// Prints the name of what is `at` a place: itself, or the hash of a long one.
    fn of(&self, at: (&'static str, usize), name: &str) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            if name.len() <= Self::SHORT {
                return f.write_str(name);
            }
            let known = self.0.get().filter(|(known, _)| *known == at);
            let (_, fingerprint) = known.unwrap_or_else(|| (at, Fingerprint::of(&name)));
            self.0.set(Some((at, fingerprint)));
            fmt::Display::fmt(&fingerprint, f)
        })
    }
}
