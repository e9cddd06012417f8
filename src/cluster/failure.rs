//! Errors of the API server's client, in words for an operator.

/// Returns the status code with which the API server refused a request.
pub(super) fn code(error: &kube::Error) -> Option<u16> {
    let kube::Error::Api(status) = error else { return None };
    Some(status.code)
}

/// Returns what went wrong, in one line.
pub(super) fn told(error: &kube::Error) -> String {
    let kube::Error::Api(status) = error else { return error.to_string() };
    match status.code {
        404 => "the API server does not know this resource; apply the CustomResourceDefinitions".to_owned(),
        _ => status.message.clone(),
    }
}
