//! Walks through the pages of users.
use std::pin::pin;

use authsignal_client::{Error, ErrorKind, QueryUsers};
use futures_util::{StreamExt, TryStreamExt};
use test_support::waiting::in_time;

use crate::support::{Reply, Request, Server};

/// A page with these users, and a next one behind `last`.
fn page(users: &[&str], last: Option<&str>) -> Reply {
    let users: Vec<_> = users.iter().map(|id| serde_json::json!({"userId": id})).collect();
    Reply::json(200, &serde_json::json!({"users": users, "lastEvaluatedUserId": last}).to_string())
}

/// The user behind whom a request goes on.
fn cursor(request: &Request) -> Option<&str> {
    request.target().split_once("lastEvaluatedUserId=").map(|(_, cursor)| cursor)
}

fn query() -> QueryUsers {
    QueryUsers::new().email("ada@example.com")
}

/// All that a walk gives: the users, and the error that it ends with.
async fn walked(server: &Server, query: QueryUsers) -> (Vec<String>, Option<Error>) {
    in_time("a walk ends", all_of(server, query)).await
}

async fn all_of(server: &Server, query: QueryUsers) -> (Vec<String>, Option<Error>) {
    let mut stream = pin!(server.client().users_stream(query));
    let mut ids = Vec::new();
    loop {
        match stream.try_next().await {
            Ok(Some(user)) => ids.push(user.user_id),
            Ok(None) => return (ids, None),
            Err(error) => {
                assert!(stream.next().await.is_none(), "a walk goes on behind its error");
                return (ids, Some(error));
            }
        }
    }
}

#[tokio::test]
async fn every_page_is_walked_through_in_order() {
    let server = Server::start(|_, request| match cursor(request) {
        None => page(&["a", "b"], Some("b")),
        // A page may be empty and not be the last.
        Some("b") => page(&[], Some("c")),
        Some("c") => page(&["d"], Some("d")),
        Some("d") => page(&["e"], None),
        other => panic!("{other:?}"),
    })
    .await;
    let (ids, error) = walked(&server, query().limit(2)).await;
    assert_eq!(ids, ["a", "b", "d", "e"]);
    assert!(error.is_none(), "{error:?}");
    let targets: Vec<_> = server.requests().iter().map(|request| request.target().to_owned()).collect();
    let first = "GET /v1/users?email=ada%40example.com&limit=2";
    assert_eq!(targets[0], first);
    assert_eq!(targets[1..], ["b", "c", "d"].map(|last| format!("{first}&lastEvaluatedUserId={last}")));
}

/// A page is asked for when it is needed, and not before.
#[tokio::test]
async fn a_walk_is_lazy() {
    let server = Server::start(|_, _| page(&["a", "b"], Some("b"))).await;
    let mut stream = pin!(server.client().users_stream(query()));
    assert_eq!(server.requests().len(), 0);
    for _ in 0..2 {
        stream.try_next().await.unwrap().unwrap();
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_walk_begins_where_the_query_says() {
    let server = Server::start(|_, request| match cursor(request) {
        Some("m") => page(&["n"], None),
        other => panic!("{other:?}"),
    })
    .await;
    let (ids, error) = walked(&server, query().last_evaluated_user_id("m")).await;
    assert_eq!((ids, error.is_none()), (vec!["n".to_owned()], true));
}

/// Every circle is found out at the page that closes it, whose users may have been there before.
#[tokio::test]
async fn a_walk_in_circles_ends() {
    let on_the_spot = Server::start(|_, _| page(&["a"], Some("a"))).await;
    let (ids, error) = walked(&on_the_spot, query()).await;
    assert_eq!((ids, error.unwrap().kind()), (vec!["a".to_owned()], ErrorKind::Malformed));
    assert_eq!(on_the_spot.requests().len(), 2);

    let round = Server::start(|_, request| match cursor(request) {
        None | Some("c") => page(&["a"], Some("a")),
        Some("a") => page(&["b"], Some("b")),
        _ => page(&["c"], Some("c")),
    })
    .await;
    let (ids, error) = walked(&round, query()).await;
    assert_eq!((ids.concat(), error.unwrap().kind()), ("abc".to_owned(), ErrorKind::Malformed));

    let to_its_beginning = Server::start(|_, _| page(&["a"], Some("m"))).await;
    let (ids, error) = walked(&to_its_beginning, query().last_evaluated_user_id("m")).await;
    assert_eq!((ids.len(), error.unwrap().kind()), (0, ErrorKind::Malformed));
}

#[tokio::test]
async fn a_walk_ends_with_its_first_error() {
    let server = Server::start(|_, request| match cursor(request) {
        None => page(&["a"], Some("a")),
        Some(_) => Reply::json(403, ""),
    })
    .await;
    let (ids, error) = walked(&server, query()).await;
    assert_eq!((ids, error.unwrap().kind()), (vec!["a".to_owned()], ErrorKind::Rejected));

    let (ids, error) = walked(&server, QueryUsers::new()).await;
    assert_eq!((ids.len(), error.unwrap().kind()), (0, ErrorKind::InvalidInput));
    assert_eq!(server.requests().len(), 2, "what looks for nobody is not sent");
}
