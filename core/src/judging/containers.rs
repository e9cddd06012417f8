//! Detects updates that change the containers of a pod.

use std::collections::HashMap;

use crate::objects::pod::PodView;

/// Returns whether an update adds a container to a pod or a template, or changes an image.
///
/// `pod-security` then judges the pods in full, as the reference implementation does. Several templates of an object
/// are compared in their order.
pub(crate) fn changes_containers<'v, 'a: 'v>(
    mut old: impl Iterator<Item = PodView<'v, 'a>>,
    mut new: impl Iterator<Item = PodView<'v, 'a>>,
) -> bool {
    let mut is_any = false;
    loop {
        match (old.next(), new.next()) {
            (Some(old), Some(new)) if !changes_containers_of(old, new) => is_any = true,
            (None, None) => return !is_any,
            (Some(_) | None, Some(_)) | (Some(_), None) => return true,
        }
    }
}

fn changes_containers_of(old: PodView<'_, '_>, new: PodView<'_, '_>) -> bool {
    // The names are user input, so the map hashes them with a random key.
    let images: HashMap<&str, &str> =
        old.spec.containers().map(|placed| (&*placed.container.name, &*placed.container.image)).collect();
    // The map holds one of several containers that share a name, so the number of containers counts as well.
    new.spec.containers().count() > old.spec.containers().count()
        || new
            .spec
            .containers()
            .any(|placed| images.get(&*placed.container.name) != Some(&&*placed.container.image))
}
