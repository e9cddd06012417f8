//! Declares the fields that rules read of Kubernetes objects, with one file for each shape.

pub mod certificate;
pub mod claim;
pub mod container;
pub mod foreign_apis;
pub(crate) mod gateway_api;
pub mod ingress;
pub mod kinds;
pub mod metadata;
pub mod object;
pub mod pod;
pub mod scheduling;
pub mod service;
pub(crate) mod unstructured;
pub mod volume;
