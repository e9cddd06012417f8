//! Takes from the objects what is contested and what refers to nothing.

use std::collections::BTreeMap;

use super::forms::Forms;
use super::trimmed::Trimmed;
use super::{pools, references, tenants};

pub(super) fn trim(forms: &mut Forms<'_>) -> Trimmed {
    let mut trimmed = Trimmed {
        objects: forms.objects.clone(),
        denied: BTreeMap::new(),
        lacking: BTreeMap::new(),
        findings: BTreeMap::new(),
    };
    tenants::namespaces(&mut trimmed, forms);
    tenants::domains(&mut trimmed);
    tenants::addresses(&mut trimmed);
    tenants::volumes(&mut trimmed);
    let unusable = pools::contested(&mut trimmed, forms);
    pools::of_tenants(&mut trimmed, &unusable);
    pools::tolerations(&mut trimmed);
    references::settings(&mut trimmed);
    references::exemptions(&mut trimmed);
    trimmed
}
