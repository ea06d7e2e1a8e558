//! Whether the server says that it works.

use std::time::{Duration, Instant};

use crate::common::{EVERY_CLIENT, Kept, Registry};

contract! {
    a_registry_that_works_says_so
}

async fn a_registry_that_works_says_so(registry: Registry) {
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        for (path, words) in [
            ("/health/live", r#"{"hashing":"ok"}"#),
            ("/health/ready", r#"{"hashing":"ok","store":"ok"}"#),
        ] {
            let answer = client.get(path).await;
            assert_eq!((answer.status.as_u16(), &*answer.body), (200, words));
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(client.head(path).await.status, 200);
        }
    }
}

/// A restart would not bring the database back.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_without_its_store_is_alive_and_not_ready() {
    let (registry, mongod) = Registry::start_on_own_mongod().await;
    drop(mongod);
    let asked = Instant::now();
    let answer = registry.program().get("/health/ready").await;
    assert!(asked.elapsed() < Duration::from_secs(3));
    let words = r#"{"hashing":"ok","store":"failed"}"#;
    assert_eq!((answer.status.as_u16(), &*answer.body), (503, words));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(registry.program().get("/health/live").await.status, 200);
}
