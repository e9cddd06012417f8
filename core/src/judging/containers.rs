//! Detects updates that change the containers of a pod.

use std::collections::HashMap;

use crate::objects::pod::PodView;

/// Returns whether an update adds a container to a pod or changes an image.
///
/// `pod-security` then judges the pod in full, as the reference implementation does.
pub(crate) fn changes_containers(old: Option<PodView<'_, '_>>, new: Option<PodView<'_, '_>>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return true };
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
