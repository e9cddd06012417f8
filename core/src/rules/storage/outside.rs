//! Judges claims outside tenants: they name neither a tenant's volume nor a tenant's node.

use super::annotations::SELECTED_NODE;
use super::check::Writer;
use crate::json::{Escaped, without_position};
use crate::judging::{Findings, Subject};
use crate::objects::claim::ClaimSpec;
use crate::objects::object::Object;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (request, writer) = (subject.request, Writer::of(subject));
    let (metadata, spec) = if let Object::Unstructured(claim) = subject.object {
        (&claim.metadata, claim.get("spec"))
    } else if let Object::Status(claim) = subject.object {
        // A write to the status changes annotations too.
        (&claim.metadata, None)
    } else {
        return;
    };
    if (&*request.group, &*request.kind_name) != ("", "PersistentVolumeClaim") || writer.may_bind {
        return;
    }
    if let Some(node) = metadata.annotations.get(SELECTED_NODE)
        && !writer.may_select_nodes
    {
        let message = format_args!(
            "only schedulers choose nodes for volumes, and `{}` may be a tenant's; remove the annotation, or ask the \
             platform team to list user `{}` in the Settings (`controllers.bindings`) if it is a scheduler",
            Escaped(node),
            Escaped(&request.user.username)
        );
        let field = format_args!("metadata.annotations[{SELECTED_NODE}]");
        findings.add_whole(&field, &message, &format_args!("{SELECTED_NODE}={node}"));
    }
    let Some(raw) = spec else { return };
    match serde_json::from_str::<Option<ClaimSpec<'_>>>(raw.get()) {
        Ok(spec) => {
            let spec = spec.unwrap_or_default();
            let volume = &*spec.volume_name;
            if !volume.is_empty() {
                let message = format_args!(
                    "volume `{}` may be a tenant's, and only controllers bind claims to volumes outside tenants; \
                     remove `volumeName` and give the volume a `claimRef` to this claim, or ask the platform team to \
                     list user `{}` in the Settings (`controllers.volumes`), or for an Exemption of this claim",
                    Escaped(volume),
                    Escaped(&request.user.username)
                );
                findings.add_whole(&"spec.volumeName", &message, &format_args!("volumeName={volume}"));
            }
        }
        Err(error) => {
            let error = without_position(&error.to_string());
            let message = format_args!("this spec cannot be read: {}; correct it", Escaped(&error));
            findings.add_whole(&"spec", &message, &raw.get());
        }
    }
}
