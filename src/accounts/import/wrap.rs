//! Hashes again what the first backend stored: work for minutes or hours, so on every core.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread, vec,
};

use tokio::sync::mpsc;

use super::Newcomer;
use crate::accounts::{
    password::{Memory, wrap_now},
    user::{User, event::Origin},
};

/// Makes users of newcomers, in no order, at most `ahead` before they are received. It ends when the receiver is gone.
pub fn wrap(newcomers: Vec<Newcomer>, origin: &Origin, ahead: usize) -> mpsc::Receiver<User> {
    let (sender, receiver) = mpsc::channel(ahead);
    let newcomers = Arc::new(Mutex::new(newcomers.into_iter()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..cores {
        let (newcomers, sender, origin) = (newcomers.clone(), sender.clone(), origin.clone());
        thread::spawn(move || {
            let mut memory = Memory::new();
            while let Some(newcomer) = next(&newcomers) {
                let password = wrap_now(&newcomer.password, &mut memory);
                let user = User::imported(newcomer, password, &origin);
                if sender.blocking_send(user).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

fn next(newcomers: &Mutex<vec::IntoIter<Newcomer>>) -> Option<Newcomer> {
    let newcomers = newcomers.lock();
    newcomers.unwrap_or_else(PoisonError::into_inner).next()
}
