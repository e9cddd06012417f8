//! `image-registries`: images come from the registries that the tenant lists.
//!
//! The rule judges every image: those of all container lists, and those that volumes mount, by a field of their own or
//! by the attribute `image` of a CSI driver. It reads names as container runtimes do, and compares whole segments:
//! `registry.example.com/team` covers `registry.example.com/team/app`, but not `registry.example.com/team-b`.
//!
//! Some controllers fill in the images of pods: OpenShift's image triggers replace a space, and Istio's injector
//! replaces `auto` where the pod asks for injection. Such placeholders are allowed in pod templates only.

use std::fmt;

use crate::json::Escaped;
use crate::judging::{About, Finding, Findings, OneOf, Subject};
use crate::objects::metadata::Metadata;
use crate::objects::pod::{Extent, PodView};
use crate::tenancy::Repository;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Some(pod), Some(tenant)) = (subject.pod(), subject.tenant()) else { return };
    let Some(registries) = &tenant.image_registries else { return };
    let spec = pod.spec_path;
    let mut hold = |image: &str, field: fmt::Arguments<'_>, about: About<'_>| {
        if is_allowed(image, registries) || (pod.extent == Extent::Template && is_placeholder(image, &pod)) {
            return;
        }
        let message = format_args!(
            "image `{}` is not from the tenant's `imageRegistries`; use an image from {}, or ask the platform team to \
             list its registry there",
            Escaped(image),
            OneOf(registries)
        );
        let identity = format_args!("{about:?} {image}");
        findings.add(Finding { control: None, field: &field, message: &message, identity: &identity, about });
    };
    for placed in pod.spec.containers() {
        let (list, index) = (placed.list.as_str(), placed.index);
        let about = About::Container(&placed.container.name);
        hold(&placed.container.image, format_args!("{spec}.{list}[{index}].image"), about);
    }
    for (index, volume) in pod.spec.volumes.iter().enumerate() {
        if let Some(image) = &volume.image {
            let field = format_args!("{spec}.volumes[{index}].image.reference");
            hold(&image.reference, field, About::Volume(&volume.name));
        }
        // Drivers that mount images take them from this attribute.
        if let Some(image) = volume.csi.as_ref().and_then(|csi| csi.volume_attributes.get("image")) {
            let field = format_args!("{spec}.volumes[{index}].csi.volumeAttributes[image]");
            hold(image, field, About::Volume(&volume.name));
        }
    }
}

/// Returns whether a template leaves an image to a controller, to a trigger or to the injector of a mesh.
fn is_placeholder(image: &str, pod: &PodView<'_, '_>) -> bool {
    image.trim_ascii().is_empty() || (image == "auto" && asks_for_injection(pod.metadata))
}

/// Returns whether Istio's injector is asked to change the pods, and so to replace their image `auto`.
///
/// <https://istio.io/latest/docs/setup/additional-setup/gateway/>
fn asks_for_injection(metadata: &Metadata<'_>) -> bool {
    const INJECT: &str = "sidecar.istio.io/inject";
    let annotation = metadata.annotations.get(INJECT);
    annotation == Some("true")
        || metadata.decoded_labels().is_some_and(|labels| match labels.get(INJECT).or(annotation) {
            Some(asked) => asked == "true",
            None => {
                labels.get("istio.io/rev").is_some()
                    || metadata.annotations.get("inject.istio.io/templates").is_some()
            }
        })
}

fn is_allowed(image: &str, registries: &[Repository]) -> bool {
    Repository::of_image(image).is_some_and(|image| image.is_in(registries))
}
