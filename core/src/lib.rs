//! Decides reviews: returns a verdict on the bytes of an AdmissionReview, by a snapshot of the policies.
//!
//! The crate does no IO, runs no async code, reads no clock and calls no API server: a decision depends only on its
//! arguments. Data flows one way: bytes → [`review::decode`] → [`admit()`] → [`review::encode`] → bytes; [`answer`]
//! does the first two steps.
//!
//! INVARIANT: the crate denies a request that it cannot decide, with a message that says why.
//!
//! # Layers
//!
//! A layer imports only the layers in its row, and no two modules import each other, directly or through others. A
//! test checks both rules.
//!
//! | layer | what it holds | imports |
//! |---|---|---|
//! | [`api`] | the objects that operators write | nothing |
//! | [`labels`] | the labels that the API server and partywall define | nothing |
//! | [`hosts`] | hosts and domains, and the matcher that compares them | nothing |
//! | [`work`] | the budget of a decision | nothing |
//! | [`json`] | the JSON reader, the types that borrow from its input, and JSON patches | `work` |
//! | [`objects`] | the table of kinds, and the fields that rules read of each | `api`, `json`, `work` |
//! | [`rule_id`] | the rules' ids and modes, and the namespaces in which they hold | `api` |
//! | [`verdict`] | the answers to reviews | `api`, `json`, `rule_id` |
//! | [`review`] | decoding and encoding of AdmissionReviews | `api`, `json`, `objects`, `rule_id`, `verdict`, `work` |
//! | [`tenancy`] | the compiler of objects, its snapshot | `api`, `hosts`, `labels`, `objects`, `rule_id`, `work` |
//! | [`judging`] | the code that rules share | all above |
//! | `entry` | the paths at which the API server calls partywall | nothing |
//! | [`rules`] | the rules | all above but `entry`, `verdict` |
//! | `stamp` | the patch of a new pod | `api`, `json`, `judging`, `labels`, `objects`, `review`, `rule_id`, `tenancy` |
//! | `namespace_label` | the patch of a tenant's Namespace | `json`, `judging`, `labels`, `objects`, `tenancy` |
//! | `admit` | the decision | all above but `hosts`, `work` |
//! | [`registration`] | webhook configurations | `api`, `entry`, `judging`, `labels`, `objects`, `rules`, `tenancy` |
//! | [`crds`] | the CustomResourceDefinitions of the objects that operators write | `api` |

mod admit;
pub mod api;
pub mod crds;
mod entry;
pub mod hosts;
pub mod json;
pub mod judging;
pub mod labels;
mod namespace_label;
pub mod objects;
pub mod registration;
pub mod review;
pub mod rule_id;
pub mod rules;
mod stamp;
pub mod tenancy;
pub mod verdict;
pub mod work;

pub use self::admit::{Answer, admit, answer, enforcement};
pub use self::entry::{Entry, Phase};
