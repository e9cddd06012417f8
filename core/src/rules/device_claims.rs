//! `device-claims`: no claim gets administrator access to devices that other pods use.
//!
//! `adminAccess` gives a pod a device that other pods already use, and is meant for monitoring agents. The API server
//! requires only a label on the namespace for it. The rule reads the requests in ResourceClaims and
//! ResourceClaimTemplates, in every version of the API so far.

use crate::json::{Escaped, List, borrowed, without_position};
use crate::judging::{Findings, Subject};
use crate::objects::object::Object;

borrowed! {
    /// The spec of a ResourceClaim, or of the claims that a template creates.
    struct ClaimSpec {
        /// The devices that the claim requests.
        devices: Devices = "devices",
    }
}

borrowed! {
    /// The spec of a ResourceClaimTemplate.
    struct TemplateSpec {
        /// The spec of the claims.
        spec: ClaimSpec = "spec",
    }
}

borrowed! {
    /// The devices of a claim.
    struct Devices {
        /// The requests for devices.
        requests: List<DeviceRequest> = "requests",
    }
}

borrowed! {
    /// A request for devices.
    struct DeviceRequest {
        /// True for access to devices in use, in versions before `resource.k8s.io/v1`.
        admin_access: bool = "adminAccess",
        /// The only way to satisfy the request.
        exactly: Exactly = "exactly",
        /// Several ways to satisfy the request.
        first_available: List<Exactly> = "firstAvailable",
    }
}

borrowed! {
    /// One way to satisfy a request.
    struct Exactly {
        /// True for access to devices in use.
        admin_access: bool = "adminAccess",
    }
}

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let Object::Unstructured(claim) = subject.object else { return };
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
            let message = format_args!("this claim cannot be read: {}; correct it", Escaped(&error));
            findings.add_whole(&path, &message, &raw);
            return;
        }
    };
    for (index, request) in claim.devices.requests.iter().enumerate() {
        let ways = request.first_available.iter().any(|way| way.admin_access);
        if request.admin_access || request.exactly.admin_access || ways {
            let message = "`adminAccess` gives access to devices that other pods use; remove it";
            let field = format_args!("{path}.devices.requests[{index}]");
            findings.add_whole(&field, &message, &"admin access");
        }
    }
}
