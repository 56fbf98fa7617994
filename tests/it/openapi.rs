//! The OpenAPI document of an application says what is served.
use authsignal_emulator::{Endpoint, Fault};
use axum_authsignal::StepUpProblems;
use serde_json::Value;
use utoipa::Modify as _;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::{OpenApiBuilder, PathsBuilder, ResponsesBuilder};

use crate::support::{Reply, bench, get, json};

fn document() -> Value {
    let responses = ResponsesBuilder::new().responses_from_into_responses::<StepUpProblems>().build();
    let item = PathItem::new(HttpMethod::Post, OperationBuilder::new().responses(responses).build());
    let mut document = OpenApiBuilder::new().paths(PathsBuilder::new().path("/pay", item).build()).build();
    StepUpProblems.modify(&mut document);
    serde_json::to_value(document).unwrap()
}

/// Whether a value is what its schema says, as far as this schema says something.
fn is_valid(schema: &Value, value: &Value) -> bool {
    match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "array" => value.as_array().is_some_and(|items| items.iter().all(|item| is_valid(&schema["items"], item))),
        "object" => value.as_object().is_some_and(|members| {
            let required = schema["required"].as_array().unwrap();
            let has_all = required.iter().all(|name| members.contains_key(name.as_str().unwrap()));
            // Stricter than the schema: what is served today is all described.
            let is_known = |(name, value): (&String, &Value)| {
                schema["properties"].get(name).is_some_and(|schema| is_valid(schema, value))
            };
            has_all && members.iter().all(is_known)
        }),
        other => panic!("{other}"),
    }
}

/// What is served, a challenge and refusals of each kind, is what the document says: its status, its type, each member.
#[tokio::test]
async fn served_problems_are_as_the_document_describes_them() {
    let document = document();
    let check = |reply: &Reply| {
        let answer = &document["paths"]["/pay"]["post"]["responses"][reply.status.to_string()];
        let content = &answer["content"][reply.header("content-type")];
        let name = content["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{} {answer}", reply.status));
        let schema = &document["components"]["schemas"][name.rsplit('/').next().unwrap()];
        assert!(is_valid(schema, &reply.json()), "{}", reply.text());
        assert!(!is_valid(schema, &serde_json::json!({ "status": "403" })));
    };
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let challenged = ada.send(&json("/pay", "{}")).await;
    assert_eq!(challenged.status, 403);
    check(&challenged);
    let mut statuses = Vec::new();
    for fault in
        [Fault::state("BLOCK"), Fault::state("REVIEW_REQUIRED"), Fault::status(503).always(), Fault::status(401)]
    {
        bench.emulator.inject_fault(Endpoint::Track, fault);
        let reply = ada.send(&json("/other", "{}")).await;
        bench.emulator.clear_faults();
        check(&reply);
        statuses.push(reply.status);
    }
    let reply = ada.send(&get("/pay").header("authsignal-token", "not a token")).await;
    check(&reply);
    statuses.push(reply.status);
    println!("checked: 403 {statuses:?}");
    assert_eq!(statuses, [403, 403, 503, 503, 400]);
}
