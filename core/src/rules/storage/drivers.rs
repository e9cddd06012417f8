//! Judges inline volumes: those of CSI drivers, and those with a claim of their own.

use super::check::{ClaimPlace, StorageCheck};
use crate::json::Escaped;
use crate::judging::{About, Finding, OneOf, words_of};
use crate::objects::claim::CsiVolume;

/// Begins the attributes that the kubelet writes about the pod.
///
/// It passes a pod's own attributes of these names to drivers that do not ask for information about pods.
const OF_KUBELET: &str = "csi.storage.k8s.io/";

impl StorageCheck<'_, '_, '_, '_> {
    pub(super) fn volumes(&mut self) {
        let Some(pod) = self.subject.pod() else { return };
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let about = About::Volume(&volume.name);
            if let Some(csi) = &volume.csi {
                self.driver((pod.spec_path, index), csi, about);
            }
            if let Some(template) =
                volume.ephemeral.as_ref().and_then(|ephemeral| ephemeral.volume_claim_template.as_ref())
            {
                let path = format_args!("{}.volumes[{index}].ephemeral.volumeClaimTemplate.", pod.spec_path);
                self.template(&ClaimPlace { path: &path, template: Some(index), about }, template);
            }
        }
    }

    fn driver(&mut self, (spec, index): (&str, usize), csi: &CsiVolume<'_>, about: About<'_>) {
        let CsiVolume { driver, volume_attributes } = csi;
        let path = format_args!("{spec}.volumes[{index}].csi");
        let listed = &self.tenant.storage.inline_drivers;
        if !listed.contains(driver) {
            let message = std::fmt::from_fn(|f| {
                write!(
                    f,
                    "driver `{}` is not in the tenant's `storage.inlineDrivers`; use a persistentVolumeClaim, ",
                    Escaped(driver)
                )?;
                if !listed.is_empty() {
                    write!(f, "a volume of {}, ", OneOf(listed))?;
                }
                f.write_str("or ask the platform team to list the driver there")
            });
            let (field, identity) = (format_args!("{path}.driver"), format_args!("{index} driver={driver}"));
            self.findings.add(Finding {
                control: None,
                field: &field,
                message: &message,
                identity: &identity,
                about,
            });
            return;
        }
        for (key, value) in volume_attributes.iter() {
            let field = format_args!("{path}.volumeAttributes[{}]", Escaped(key));
            let identity = format_args!("{index} attribute {key}={value}");
            let mut add = |message: &dyn std::fmt::Display| {
                let finding = Finding { control: None, field: &field, message, identity: &identity, about };
                self.findings.add(finding);
            };
            let is_of_namespace = || words_of(key).any(|word| word.eq_ignore_ascii_case("namespace"));
            if key.starts_with(OF_KUBELET) {
                add(&"only the kubelet writes this attribute; remove it");
            } else if is_of_namespace() && !self.own.has(value) {
                let message = format_args!(
                    "names namespace `{}`, which is not the tenant's; remove the attribute, or name one of the \
                     tenant's namespaces",
                    Escaped(value)
                );
                add(&message);
            }
        }
    }
}
