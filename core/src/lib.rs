//! The pure core of partywall: from the bytes of a review and a snapshot to a verdict.
//!
//! No IO, no async, no clock, no client of the cluster: what decides is in the arguments. `bytes` →
//! [`review::decode`] → [`admit()`] → [`review::encode`] → `bytes`.
//!
//! INVARIANT: what cannot be decided is denied, with a message that says why.
//!
//! # Layers
//!
//! A layer imports what its row lists, and nothing else; no module imports another that imports it. A test holds both.
//!
//! | layer | what it holds | imports |
//! |---|---|---|
//! | [`api`] | the objects that operators write | nothing |
//! | [`labels`] | labels that the API server and partywall know | nothing |
//! | [`hosts`] | hosts, domains, and which domain a host belongs to | nothing |
//! | [`json`] | the reader of reviews, types that borrow from them, patches | nothing |
//! | [`objects`] | Kubernetes' kinds, and what is read of an object of each | `api`, `json` |
//! | [`rule_id`] | the rules by name, their modes, and where they hold | `api` |
//! | [`verdict`] | what a review gets | `api`, `json`, `rule_id` |
//! | [`review`] | AdmissionReviews, both ways | `api`, `json`, `objects`, `verdict` |
//! | [`tenancy`] | from the operators' objects to a compiled snapshot | `api`, `hosts`, `objects`, `rule_id` |
//! | [`judging`] | what rules share | all above |
//! | [`rules`] | the rules | `api`, `hosts`, `json`, `judging`, `labels`, `objects`, `review`, `rule_id`, `tenancy` |
//! | `stamp` | the patch of a new pod | `api`, `json`, `judging`, `objects`, `review`, `rule_id`, `tenancy` |
//! | `admit` | the decision | `api`, `json`, `judging`, `objects`, `review`, `rules`, `stamp`, `tenancy`, `verdict` |
//! | [`registration`] | what the API server is asked to send | `admit`, `judging`, `labels`, `objects`, `rules` |

mod admit;
pub mod api;
pub mod hosts;
pub mod json;
pub mod judging;
pub mod labels;
pub mod objects;
pub mod registration;
pub mod review;
pub mod rule_id;
pub mod rules;
mod stamp;
pub mod tenancy;
pub mod verdict;

pub use self::admit::{Answer, Phase, admit, answer};
