//! Kubernetes' objects, as far as a rule reads them: one file for each shape.

pub mod certificate;
pub mod container;
pub mod foreign_apis;
pub mod gateway_api;
pub mod kinds;
pub mod pod;
pub mod service;
pub mod unstructured;
pub mod volume;
