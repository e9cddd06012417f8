//! partywall keeps the tenants of a shared Kubernetes cluster apart.
//!
//! [`partywall_core`] decides, without IO; this crate is the program around it. Data flows one way: bytes → [`server`]
//! → [`partywall_core::review`] → [`partywall_core::tenancy`] → stamp or rules → verdict →
//! [`partywall_core::review`] → bytes.
//!
//! A layer imports the core and what its row lists, and no module imports another that imports it. A test holds both.
//!
//! | layer | what it holds | imports |
//! |---|---|---|
//! | `manifests` | files, YAML and Lists → values | nothing |
//! | `reference` | the pages about rules and fields | nothing |
//! | [`telemetry`] | logs, metrics and traces | nothing |
//! | [`policies`] | files → a checked snapshot, the store, the reload | `manifests`, `telemetry` |
//! | `explain` | policies → what holds, and where that is written | `policies`, `reference` |
//! | `assess` | objects → verdicts and reports, outside of a cluster | `manifests`, `policies`, `reference` |
//! | [`server`] | the webhook server | `policies`, `telemetry`, `x509` |
//! | `cluster` | objects of a cluster → snapshots, its webhook configurations | `policies`, `telemetry`, `x509` |
//! | [`cli`] | the commands | all above |
//! | `x509` | from when to when a certificate is valid | nothing |
//!
//! # Fail closed
//!
//! | what goes wrong | answer |
//! |---|---|
//! | the body is no AdmissionReview v1, or has no uid | HTTP 400 |
//! | the body is over the limit | 200, denied, code 413 |
//! | the object does not decode | 200, denied, code 422, the path named |
//! | no snapshot is loaded yet | HTTP 503 with `Retry-After: 1` |
//! | a labelled namespace is new to the watch of a cluster | waits for it, then 200, denied: "try again" |
//! | too many reviews wait | HTTP 429 with `Retry-After: 1` |
//! | a body stalls while others need its memory | HTTP 429 with `Retry-After: 1` |
//! | a body stalls: less than 64 KiB, and not its end, in 2 s | HTTP 408, and the connection is closed |
//! | a rule panics | 200, denied, code 500, counted |
//! | a decision exhausts its budget of work | 200, denied, code 500, counted; an update that changes nothing passes |

mod assess;
pub mod cli;
mod cluster;
mod explain;
mod manifests;
pub mod policies;
mod reference;
pub mod server;
pub mod telemetry;
mod x509;
