//! `device-claims`: no claim to a device looks over the shoulder of those who use it.
//!
//! `adminAccess` gives a pod a device that is in use by others, and is meant for whoever monitors the nodes. The API
//! server asks for nothing but a label of the namespace. Read are the requests of ResourceClaims and of the claims in
//! ResourceClaimTemplates, as every version so far has them.

use crate::json::{Cut, List, record, without_position};
use crate::judging::{Findings, Subject};
use crate::objects::object::Object;

record! {
    /// The spec of a ResourceClaim, or of a template of them.
    struct ClaimSpec {
        /// What is asked for.
        devices: Devices = "devices",
    }
}

record! {
    /// The spec of a ResourceClaimTemplate.
    struct TemplateSpec {
        /// The claims' spec.
        spec: ClaimSpec = "spec",
    }
}

record! {
    /// The devices of a claim.
    struct Devices {
        /// The requests for them.
        requests: List<DeviceRequest> = "requests",
    }
}

record! {
    /// A request for devices.
    struct DeviceRequest {
        /// Whether devices that are in use will do, before `resource.k8s.io/v1`.
        admin_access: bool = "adminAccess",
        /// One way to fulfil it.
        exactly: Exactly = "exactly",
        /// Several ways to fulfil it.
        first_available: List<Exactly> = "firstAvailable",
    }
}

record! {
    /// One way to fulfil a request.
    struct Exactly {
        /// Whether devices that are in use will do.
        admin_access: bool = "adminAccess",
    }
}

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Object::Custom(claim) = subject.object else { return };
    if &*subject.request.group != "resource.k8s.io" {
        return;
    }
    let Some(raw) = claim.get("spec").map(|raw| raw.get()) else { return };
    let (decoded, path) = match &*subject.request.kind_name {
        "ResourceClaim" => (serde_json::from_str::<ClaimSpec>(raw), "spec"),
        "ResourceClaimTemplate" => {
            (serde_json::from_str::<TemplateSpec>(raw).map(|template| template.spec), "spec.spec")
        }
        _ => return,
    };
    let claim = match decoded {
        Ok(claim) => claim,
        Err(error) => {
            let error = without_position(&error.to_string());
            let message = format_args!("this claim cannot be read: {}; correct it", Cut(&error));
            findings.add_whole(&path, &message, &raw);
            return;
        }
    };
    for (index, request) in claim.devices.requests.iter().enumerate() {
        let ways = request.first_available.iter().any(|way| way.admin_access);
        if request.admin_access || request.exactly.admin_access || ways {
            let message = "`adminAccess` reaches into devices that others use; remove it";
            let field = format_args!("{path}.devices.requests[{index}]");
            findings.add_whole(&field, &message, &"admin access");
        }
    }
}
