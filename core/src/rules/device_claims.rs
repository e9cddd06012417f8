//! `device-claims`: no claim gets administrator access to devices that other pods use, or devices kept for others.
//!
//! `adminAccess` gives a pod a device that other pods already use, and is meant for monitoring agents. The API server
//! requires only a label on the namespace for it. Taints keep devices for some pods, as they do with nodes, and a
//! request may tolerate them. The rule allows the taints of the tenant's pools, and the `tolerations` that the Tenant
//! or the Settings list. The rule reads the requests in ResourceClaims and ResourceClaimTemplates, in every version of
//! the API so far. It does not see what the parameters in `config` mean, which each driver defines for itself.
//!
//! A scheduler writes the devices that a claim gets, and the nodes where they are, into the status of the claim
//! (`allocation`). So only schedulers and components of the cluster may write it.

use std::fmt;

use serde_json::value::RawValue;

use crate::json::{Escaped, List, borrowed, without_position};
use crate::judging::trusted_users::is_of_cluster;
use crate::judging::{Findings, Subject};
use crate::objects::object::Object;
use crate::objects::scheduling::Toleration;
use crate::objects::unstructured::ObjectStatus;
use crate::tenancy::{Snapshot, Tenant};

borrowed! {
    /// The spec of a ResourceClaim, or of the claims that a template creates.
    struct ClaimSpec<'a> {
        /// The devices that the claim requests.
        devices: Devices<'a> = "devices",
    }
}

borrowed! {
    /// The spec of a ResourceClaimTemplate.
    struct TemplateSpec<'a> {
        /// The spec of the claims.
        spec: ClaimSpec<'a> = "spec",
    }
}

borrowed! {
    /// The devices of a claim.
    struct Devices<'a> {
        /// The requests for devices.
        requests: List<DeviceRequest<'a>> = "requests",
    }
}

borrowed! {
    /// A request for devices.
    struct DeviceRequest<'a> {
        /// True for access to devices in use, in versions before `resource.k8s.io/v1`.
        admin_access: bool = "adminAccess",
        /// The tolerations, in versions before `resource.k8s.io/v1`.
        tolerations: List<Toleration<'a>> = "tolerations",
        /// The only way to satisfy the request.
        exactly: Exactly<'a> = "exactly",
        /// Several ways to satisfy the request.
        first_available: List<Exactly<'a>> = "firstAvailable",
    }
}

borrowed! {
    /// One way to satisfy a request.
    struct Exactly<'a> {
        /// True for access to devices in use.
        admin_access: bool = "adminAccess",
        /// The taints of devices that the request tolerates.
        tolerations: List<Toleration<'a>> = "tolerations",
    }
}

borrowed! {
    /// The status of a ResourceClaim.
    struct ClaimStatus<'a> {
        /// The devices that the claim got, not decoded.
        allocation: Option<&'a RawValue> = "allocation",
    }
}

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    if let Object::Status(claim) = subject.object {
        status(subject, claim, findings);
        return;
    }
    let (Object::Unstructured(claim), Some(tenant)) = (subject.object, subject.tenant()) else { return };
    if &*subject.request.group != "resource.k8s.io" {
        return;
    }
    let Some(raw) = claim.get("spec").map(|raw| raw.get()) else { return };
    let (decoded, path) = match &*subject.request.kind_name {
        "ResourceClaim" => (serde_json::from_str::<ClaimSpec<'_>>(raw), "spec"),
        "ResourceClaimTemplate" => {
            (serde_json::from_str::<TemplateSpec<'_>>(raw).map(|template| template.spec), "spec.spec")
        }
        _ => return,
    };
    let claim = match decoded {
        Ok(claim) => claim,
        Err(error) => {
            let error = without_position(&error.to_string());
            let message = format_args!("this claim cannot be read: {}; correct it", Escaped(&error));
            findings.add_whole(&path, &message, &raw);
            return;
        }
    };
    for (index, request) in claim.devices.requests.iter().enumerate() {
        let field = format_args!("{path}.devices.requests[{index}]");
        if request.admin_access {
            admin_access(&field, findings);
        }
        if request.exactly.admin_access {
            admin_access(&format_args!("{field}.exactly"), findings);
        }
        tolerations(&field, &request.tolerations, tenant, subject.snapshot, findings);
        tolerations(
            &format_args!("{field}.exactly"),
            &request.exactly.tolerations,
            tenant,
            subject.snapshot,
            findings,
        );
        for (place, way) in request.first_available.iter().enumerate() {
            let field = format_args!("{field}.firstAvailable[{place}]");
            if way.admin_access {
                admin_access(&field, findings);
            }
            tolerations(&field, &way.tolerations, tenant, subject.snapshot, findings);
        }
    }
}

/// Judges the devices that a write to the status of a claim allocates.
fn status(subject: &Subject<'_, '_>, claim: &ObjectStatus<'_>, findings: &mut Findings<'_>) {
    let Subject { request, snapshot, .. } = *subject;
    if (&*request.group, &*request.kind_name) != ("resource.k8s.io", "ResourceClaim")
        || is_of_cluster(&request.user, snapshot)
        || snapshot.controllers.bindings.contains(&request.user.username)
    {
        return;
    }
    let Some(raw) = claim.get() else { return };
    let (field, allocation) = match serde_json::from_str::<ClaimStatus<'_>>(raw.get()) {
        Ok(ClaimStatus { allocation: None }) => return,
        Ok(ClaimStatus { allocation: Some(allocation) }) => ("status.allocation", allocation),
        // What cannot be read may allocate anything.
        Err(_) => ("status", raw),
    };
    let message = format_args!(
        "only schedulers may allocate devices; leave this field as it is, or ask the platform team to list user `{}` \
         in the Settings (`controllers.bindings`) if it is a scheduler",
        Escaped(&request.user.username)
    );
    findings.add_whole(&field, &message, &allocation.get());
}

fn admin_access(field: &dyn fmt::Display, findings: &mut Findings<'_>) {
    let message = "gives access to devices that other pods use; remove `adminAccess`, or, for an agent that monitors \
                   devices, ask the platform team for an Exemption from `device-claims`, or for a namespace of the \
                   platform to run the agent in";
    findings.add_whole(&format_args!("{field}.adminAccess"), &message, &"admin access");
}

fn tolerations(
    field: &dyn fmt::Display,
    tolerations: &[Toleration<'_>],
    tenant: &Tenant,
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) {
    for (index, toleration) in tolerations.iter().enumerate() {
        let is_of_own_pool = || {
            let mut pools = snapshot.pools_of(tenant);
            toleration.is_equal()
                && pools.any(|pool| pool.is_tainted_with(&toleration.key, &toleration.value))
        };
        if snapshot.is_listed(toleration, tenant) || is_of_own_pool() {
            continue;
        }
        let Toleration { key, operator, value, effect, .. } = toleration;
        let message = fmt::from_fn(|f| {
            match &**key {
                "" => f.write_str("tolerates every taint of devices")?,
                key => write!(f, "tolerates the taint `{}` of devices", Escaped(key))?,
            }
            f.write_str(
                ", which may be kept for others; remove it, or ask the platform team to list it in the tenant's \
                 `tolerations`",
            )
        });
        let identity = format_args!("{key}\u{0}{operator}\u{0}{value}\u{0}{effect}");
        findings.add_whole(&format_args!("{field}.tolerations[{index}]"), &message, &identity);
    }
}
