//! What a disk that hangs does to the store.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use uuid::Uuid;

use super::{readers::MAX_READS, worker::MAX_WAITING, *};
use crate::server::store::deadline::with_request_deadline;

fn new_folder() -> PathBuf {
    std::env::temp_dir().join(format!("fpm-registry-hang-{}", Uuid::new_v4()))
}

#[tokio::test]
async fn a_read_that_hangs_holds_up_few_others() {
    let dir = new_folder();
    let store = Arc::new(EmbeddedStore::open(&dir).unwrap());
    let read = |look: fn() -> usize| {
        let store = store.clone();
        tokio::spawn(async move { store.look_up(move |_| Ok(look())).await })
    };
    static GO_ON: OnceLock<()> = OnceLock::new();
    let hanging = read(|| {
        GO_ON.wait();
        1
    });
    let behind: Vec<_> = (1..MAX_READS).map(|_| read(|| 2)).collect();
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(read(|| 3).await.unwrap());
    }
    let are_waiting = behind.iter().all(|read| !read.is_finished());
    // Before any assertion: a failed one would drop the store, which waits for the thread.
    GO_ON.set(()).unwrap();
    assert!(others.into_iter().all(|other| other.unwrap() == 3));
    assert!(are_waiting);
    assert_eq!(hanging.await.unwrap().unwrap(), 1);
    for read in behind {
        assert_eq!(read.await.unwrap().unwrap(), 2);
    }
    drop(store);
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn a_disk_that_hangs_is_given_up_on_and_piles_nothing_up() {
    let dir = new_folder();
    let store = EmbeddedStore::open(&dir).unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let write = || {
        let done = done.clone();
        store.write(move |_| Ok(done.fetch_add(1, Ordering::Relaxed)))
    };
    let (go_on, told) = mpsc::channel::<()>();
    let (has_begun, begun) = oneshot::channel();
    let hanging = store.write(move |_| {
        let _ = has_begun.send(());
        let _ = told.recv();
        Ok(())
    });
    let given_up = with_request_deadline(async {
        let behind = async {
            begun.await.unwrap();
            write().await.unwrap_err()
        };
        tokio::join!(hanging, behind)
    });
    let began = Instant::now();
    let (hanging, behind) = given_up.await;
    assert!(began.elapsed() < Duration::from_secs(3));
    for error in [hanging.unwrap_err(), behind] {
        assert!(
            error.0.starts_with("the disk did not answer in "),
            "{error}"
        );
    }

    let full = (0..=MAX_WAITING).find_map(|_| write().now_or_never());
    assert_eq!(
        full.unwrap().unwrap_err().0,
        "too many writes wait for the disk"
    );
    drop(go_on);
    while write().await.is_err() {}
    assert_eq!(done.load(Ordering::Relaxed), 1);
    drop(store);
    std::fs::remove_dir_all(dir).unwrap();
}
