//! The problems of guarded operations, for an application's OpenAPI document (feature `utoipa`).
use std::collections::BTreeMap;

use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, PartialSchema, ToSchema};

/// What a guarded operation may be answered with in place of its handler's response, as a problem document of RFC 9457. 401, 403 and
/// all others that its layer may give, for `responses(..)` of an operation; its schema is [`StepUpProblem`], which it adds to the
/// document's components as a modifier.
///
/// # Examples
///
/// ```
/// use axum_authsignal::StepUpProblems;
/// use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
/// use utoipa::openapi::{OpenApiBuilder, PathsBuilder, ResponsesBuilder};
/// use utoipa::Modify;
///
/// // As the macros do it: `responses(StepUpProblems)` at an operation, and `modifiers(&StepUpProblems)` at the document.
/// let responses = ResponsesBuilder::new().responses_from_into_responses::<StepUpProblems>().build();
/// let withdraw = OperationBuilder::new().responses(responses).build();
/// let paths = PathsBuilder::new().path("/withdraw", PathItem::new(HttpMethod::Post, withdraw)).build();
/// let mut document = OpenApiBuilder::new().paths(paths).build();
/// StepUpProblems.modify(&mut document);
/// assert!(document.to_json()?.contains("StepUpProblem"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct StepUpProblems;

/// The schema of a guarded operation's problem document.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepUpProblem;

/// The name of the schema.
const NAME: &str = "StepUpProblem";

/// What a layer may answer, and when.
const ANSWERS: [(&str, &str); 12] = [
    ("202", "Somebody reviews it first. The same request passes once they have approved it."),
    ("400", "What was sent could not be read, or the proof that came along is none."),
    ("401", "Nobody is signed in; or, of a client with a bearer token, a proof is asked for."),
    ("403", "A proof is asked for (`url` is where to give it), or it is refused."),
    ("408", "What was sent did not arrive in time."),
    ("409", "This very request was passed on a moment ago."),
    ("413", "What was sent is too large for what an approval covers."),
    ("415", "What was sent is neither JSON nor a form, where one is read."),
    ("422", "What was sent does not fit what the route is about."),
    ("429", "Too much was begun without a proof; `Retry-After` says when to try again."),
    ("502", "No challenge could be given."),
    ("503", "No decision could be had; `Retry-After` says when to try again, where that can help."),
];

impl PartialSchema for StepUpProblem {
    fn schema() -> RefOr<Schema> {
        let text = |what: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(what)).build();
        let number = |what: &str| ObjectBuilder::new().schema_type(Type::Integer).description(Some(what)).build();
        let methods = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String).build());
        let problem = ObjectBuilder::new()
            .description(Some("Why a request did not go on to its handler (RFC 9457)."))
            .property("type", text("Why, by the part behind `#`."))
            .property("title", text("What to show."))
            .property("status", number("The status."))
            .property("detail", text("What it means for the user."))
            .property("code", text("What the reason is called for good, such as `AUTHSIGNAL-R006`."))
            .property("decisionId", text("What the log knows it by."))
            .property("action", text("The action that the operation is guarded as."))
            .property("state", text("What Authsignal decided."))
            .property("url", text("Where the user proves it. The same request passes then."))
            .property("token", text("For Authsignal's client SDKs."))
            .property("idempotencyKey", text("The key of the attempt."))
            .property("expiresAt", number("Until when the challenge waits, in seconds since 1970."))
            .property("callbackOrigin", text("The origin of the page that tells a popup's opener how it ended."))
            .property("outage", text("Which outage it is, where some pass in one."))
            .property("failover", text("Why this one did not."))
            .property("methods", methods.description(Some("The verification methods that count.")));
        let problem = ["type", "title", "status", "detail", "code"].into_iter().fold(problem, ObjectBuilder::required);
        problem.additional_properties(Some(AdditionalProperties::FreeForm(true))).into()
    }
}

impl ToSchema for StepUpProblem {
    fn name() -> std::borrow::Cow<'static, str> {
        NAME.into()
    }
}

impl IntoResponses for StepUpProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let response = |what: &str| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(NAME))).build();
            ResponseBuilder::new().description(what).content("application/problem+json", content).build().into()
        };
        ANSWERS.iter().map(|(status, what)| ((*status).to_owned(), response(what))).collect()
    }
}

impl Modify for StepUpProblems {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_with(|| ComponentsBuilder::new().build());
        components.schemas.insert(NAME.to_owned(), StepUpProblem::schema());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::refusal::tests::every_reason;

    /// Each status that a layer's refusals have is described. What the way back and mistaken set-ups answer is no operation's.
    #[test]
    fn every_status_of_a_layer_is_described() {
        let of_reasons: BTreeSet<_> = every_reason().iter().map(|reason| reason.status().as_str().to_owned()).collect();
        let of_layers: BTreeSet<_> =
            of_reasons.into_iter().filter(|status| !["404", "500"].contains(&status.as_str())).collect();
        assert_eq!(StepUpProblems::responses().into_keys().collect::<BTreeSet<_>>(), of_layers);
    }
}
