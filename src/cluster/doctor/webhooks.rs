//! Reads webhook configurations as the API server has them.

use std::num::NonZeroU16;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use partywall_core::registration::Server;
use serde_json::Value;

/// The annotation by which somebody pauses the registration, and its value.
pub(super) const PAUSED: (&str, &str) = ("partywall.dev/registration", "paused");
/// The annotation with the version of partywall that wrote a configuration.
pub(super) const WRITER: &str = "partywall.dev/version";

/// Returns the entries of a configuration.
pub(super) fn entries(configuration: &Value) -> Vec<&Value> {
    configuration.get("webhooks").and_then(Value::as_array).into_iter().flatten().collect()
}

/// Returns the name of an entry.
pub(super) fn name(entry: &Value) -> &str {
    entry.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Returns an annotation of an object.
pub(super) fn annotation<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// Returns the server that the first entry of a configuration names.
pub(super) fn server(configuration: &Value) -> Option<Server> {
    let client = entries(configuration).into_iter().find_map(|entry| entry.get("clientConfig"))?;
    if let Some(url) = client.get("url").and_then(Value::as_str) {
        // `https://HOST:PORT/mutate/tenants`
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split('/').next()?;
        return Some(Server::Url(format!("{scheme}://{authority}")));
    }
    let service = client.get("service")?;
    let text = |key| service.get(key).and_then(Value::as_str).map(str::to_owned);
    let port = service.get("port").and_then(Value::as_u64).unwrap_or(443);
    let port = NonZeroU16::new(u16::try_from(port).ok()?)?;
    Some(Server::Service { namespace: text("namespace")?, name: text("name")?, port })
}

/// Returns the CAs of an entry in PEM; `None` if there are none, or no base64.
pub(super) fn bundle(entry: &Value) -> Option<Vec<u8>> {
    let encoded = entry.pointer("/clientConfig/caBundle").and_then(Value::as_str)?;
    STANDARD.decode(encoded).ok().filter(|bundle| !bundle.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(client: &Value) -> Option<Server> {
        server(&json!({"webhooks": [{"clientConfig": client}]}))
    }

    #[test]
    fn the_server_is_a_url_or_a_service() {
        let url = of(&json!({"url": "https://10.0.0.7:8443/mutate/tenants"}));
        assert_eq!(url, Some(Server::Url("https://10.0.0.7:8443".to_owned())));
        let service = of(&json!({"service": {"namespace": "a", "name": "b", "path": "/validate/tenants"}}));
        let port = NonZeroU16::new(443).unwrap();
        assert_eq!(service, Some(Server::Service { namespace: "a".to_owned(), name: "b".to_owned(), port }));
        for other in [json!({}), json!({"url": "nowhere"}), json!({"service": {"name": "b", "port": 70_000}})]
        {
            assert_eq!(of(&other), None, "{other}");
        }
        assert_eq!(server(&json!({})), None);
    }
}
