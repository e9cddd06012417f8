//! The difference between an object as it was written and as it would be stored.

use similar::TextDiff;

use super::assessor::Assessment;
use super::words::{object, printable};

/// Returns a unified diff of the object's YAML, whose fields are in the order of the alphabet; `None` for equal ones.
///
/// Returns an error if the object cannot be written as YAML.
pub(super) fn unified(assessment: &Assessment) -> Result<Option<String>, serde_saphyr::ser_error::Error> {
    let Some(written) = assessment.written.as_ref().filter(|written| **written != assessment.stamped) else {
        return Ok(None);
    };
    let (before, after) = (serde_saphyr::to_string(written)?, serde_saphyr::to_string(&assessment.stamped)?);
    let title = format!("{}: {}", printable(&assessment.source), object(assessment));
    let diff = TextDiff::from_lines(&before, &after);
    let headers = (format!("{title}, as written"), format!("{title}, as stored"));
    Ok(Some(diff.unified_diff().context_radius(3).header(&headers.0, &headers.1).to_string()))
}
