//! partywall keeps the tenants of a shared Kubernetes cluster apart.
//!
//! Data flows one way: bytes → [`server`] → [`admission::review`] → [`admission::tenancy`] → stamp or rules →
//! verdict → [`admission::review`] → bytes.
//!
//! | layer | modules | may import |
//! |---|---|---|
//! | objects people write | [`api`], [`labels`] | nothing of ours |
//! | pure core: no IO, no clock | [`admission`] | `api` |
//! | what is registered with the API server | [`registration`] | the core |
//! | IO | [`config`], [`server`], [`telemetry`] | the core and `api` |
//! | program | [`cli`] | everything |
//!
//! # Fail closed
//!
//! | what goes wrong | answer |
//! |---|---|
//! | the body is no AdmissionReview v1, or has no uid | HTTP 400 |
//! | the body is over the limit | 200, denied, code 413 |
//! | the object does not decode | 200, denied, code 422, the path named |
//! | no snapshot is loaded yet | HTTP 503 with `Retry-After: 1` |
//! | too many reviews wait | HTTP 429 with `Retry-After: 1` |
//! | a body stalls: less than 64 KiB, and not its end, in 2 s | HTTP 408, and the connection is closed |
//! | a rule panics | 200, denied, code 500, counted |

pub mod admission;
pub mod api;
pub mod cli;
pub mod config;
pub mod labels;
pub mod registration;
pub mod server;
pub mod telemetry;
