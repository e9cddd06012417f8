//! Reviews that cannot be decided yet, since the watches of the cluster lag behind the API server.
//!
//! Everything here is about reviews for which no Tenant was found. All others are answered at once.

use partywall_core::tenancy::{Owner, Snapshot};
use partywall_core::verdict::{Denial, Undecidable, Verdict};
use partywall_core::{Answer, Entry};

use crate::policies::Learned;

/// Returns whether another decision, in a moment, may have another result.
pub(super) fn is_unknown(entry: Entry, answer: &Answer<'_>, snapshot: &Snapshot, learned: &Learned) -> bool {
    let Answer { asked, verdict, .. } = answer;
    if lacks_tenant(verdict) {
        return !learned.knows(&asked.namespace) || learned.is_settling();
    }
    entry == Entry::MutateNamespaces
        && &*asked.operation == "CREATE"
        && verdict.patch.is_none()
        && matches!(snapshot.owner(&asked.name), Owner::Unclaimed)
}

/// Returns the answer that is given at last.
pub(super) fn told<'a>(answer: Answer<'a>, learned: &Learned) -> Answer<'a> {
    if !lacks_tenant(&answer.verdict) || learned.knows(&answer.asked.namespace) {
        return answer;
    }
    let message =
        "this namespace is new, and partywall has not yet learned whose it is; try again in a second";
    Answer { verdict: Verdict::undecidable(Undecidable::NoTenant, message), ..answer }
}

const fn lacks_tenant(verdict: &Verdict) -> bool {
    matches!(verdict.denial, Some(Denial::Undecidable(Undecidable::NoTenant, _)))
}
