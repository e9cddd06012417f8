//! `image-registries`: images come from the registries that the tenant lists.
//!
//! The rule judges every image: those of all container lists, and those that volumes mount, by a field of their own or
//! by the attribute `image` of a CSI driver. It reads names as container runtimes do, and compares whole segments:
//! `registry.example.com/team` covers `registry.example.com/team/app`, but not `registry.example.com/team-b`.

use std::fmt;

use crate::json::Escaped;
use crate::judging::{About, Finding, Findings, OneOf, Subject};
use crate::objects::pod::Extent;
use crate::tenancy::Repository;

pub(super) fn check(subject: &Subject<'_, '_>, findings: &mut Findings<'_>) {
    let (Some(pod), Some(tenant)) = (subject.pod(), subject.tenant()) else { return };
    let Some(registries) = &tenant.image_registries else { return };
    let spec = pod.spec_path;
    let mut hold = |image: &str, field: fmt::Arguments<'_>, about: About<'_>| {
        // A template may leave the image to the controller that creates its pods.
        if is_allowed(image, registries) || (image.is_empty() && pod.extent == Extent::Template) {
            return;
        }
        let message = format_args!(
            "image `{}` is not from the tenant's `imageRegistries`; use an image from {}",
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

fn is_allowed(image: &str, registries: &[Repository]) -> bool {
    Repository::of_image(image).is_some_and(|image| image.is_in(registries))
}
