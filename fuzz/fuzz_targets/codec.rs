//! Bytes in, an answer out, whatever the bytes are.

#![no_main]

use std::mem::discriminant;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use partywall_core::Entry;
use partywall_core::review::{DecodeError, Request, decode, find_uid};
use partywall_fuzz::mutation;
use partywall_fuzz::review::{Order, answer, check_answer, write};
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutation::mutate(data, size, max_size, seed, 2)
});

fuzz_target!(|body: &[u8]| {
    let uid = match decode(body) {
        Ok(request) => {
            assert!(serde_json::from_slice::<&RawValue>(body).is_ok(), "M9: what is read is JSON");
            Some(request.uid.to_string())
        }
        // What is wrong is told by serde_json, so something must be wrong for it as well.
        Err(DecodeError::Undecodable(undecodable)) => {
            assert!(!undecodable.problem.is_empty(), "M9: what serde_json reads is read");
            Some(undecodable.uid)
        }
        Err(DecodeError::NotAReview(error)) => {
            assert!(!error.problem.is_empty(), "M9: what serde_json reads is read");
            None
        }
    };
    for entry in [Entry::Mutate, Entry::Validate] {
        let answer = answer(entry, body);
        assert_eq!(answer.as_ref().ok().map(|answer| &*answer.uid), uid.as_deref());
        if let Ok(answer) = answer {
            check_answer(entry, &answer.uid, &answer.verdict);
        }
    }
    if uid.is_some() {
        assert_eq!(find_uid(body), uid, "L10: what has a uid is answered with it, however large");
        // Cut off anywhere it is the same uid, or none yet.
        for tenths in 1..10 {
            let found = find_uid(&body[..body.len() * tenths / 10]);
            assert!(found.is_none() || found == uid, "{found:?} of {uid:?}");
        }
    } else {
        let _none = find_uid(body);
    }
    order(body);
});

/// What is decoded does not depend on the order of the request's fields.
fn order(body: &[u8]) {
    let Ok(review) = serde_json::from_slice::<Value>(body) else { return };
    let forwards = write(&review, Order::ApiServer);
    let backwards = write(&review, Order::Backwards);
    let [forwards, backwards] = [&forwards, &backwards].map(|body| match decode(body) {
        // That there is no object where none is read is known only to one of them, and decides nothing.
        Ok(request) => Some(Ok(format!("{request:?}").replace("new: Missing", "new: Unread"))),
        Err(DecodeError::Undecodable(undecodable)) => {
            Some(Err((undecodable.uid, undecodable.shape, undecodable.asked.namespace.to_string())))
        }
        Err(DecodeError::NotAReview(_)) => None,
    });
    assert_eq!(forwards, backwards);
    // A tree has every field once, and its objects' fields in another order; what surrounds the objects is the same.
    let again = write(&review, Order::ApiServer);
    let (Ok(request), Ok(again)) = (decode(body), decode(&again)) else { return };
    assert_eq!(around(&request), around(&again));
}

/// A request without its objects.
fn around(request: &Request<'_>) -> String {
    let Request {
        uid,
        shape,
        group,
        kind_name,
        resource_group,
        resource,
        subresource,
        name,
        namespace,
        user,
        dry_run,
        operation,
    } = request;
    let operation = discriminant(operation);
    format!(
        "{uid} {shape:?} {group} {kind_name} {resource_group} {resource} {subresource} {name} {namespace} {user:?} \
         {dry_run} {operation:?}"
    )
}
