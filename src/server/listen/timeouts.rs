//! Timeouts for slow clients.
//!
//! hyper limits the time between two requests. It does not limit the time from the first byte of the headers to the
//! last, nor the time in which a client reads nothing of a response.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// The timeouts of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For all headers of a request, from their first byte; for the first request from the start of the connection.
    pub head: Duration,
    /// For a client to read any more of a response.
    pub answer: Duration,
}

/// Whose turn it is on a connection: the client's to send a request, or the server's to answer it.
#[derive(Clone, Default)]
pub struct Turn(Arc<AtomicU64>);

impl Turn {
    /// Passes the turn: to the server once the headers are complete, and back to the client with the response.
    pub fn pass(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of the turn, if it is the client's.
    fn of_client(&self) -> Option<u64> {
        let turn = self.0.load(Ordering::Relaxed);
        turn.is_multiple_of(2).then_some(turn)
    }
}

/// A stream that fails with [`io::ErrorKind::TimedOut`] if its client is too slow.
pub struct TimedStream<S> {
    stream: S,
    timeouts: Timeouts,
    turn: Turn,
    /// The turn whose headers are being received, and their deadline.
    head: (u64, Pin<Box<Sleep>>),
    /// The deadline for the client to read more of a response, if it is not reading.
    answer: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    /// A new connection.
    pub fn new(stream: S, timeouts: Timeouts, turn: Turn) -> Self {
        Self {
            stream,
            timeouts,
            turn,
            head: (0, Box::pin(sleep(timeouts.head))),
            answer: None,
        }
    }

    /// Some bytes of the headers came. The first ones start the timeout.
    fn receive(&mut self) {
        let (begun, deadline) = &mut self.head;
        match self.turn.of_client() {
            Some(turn) if turn != *begun => {
                *begun = turn;
                deadline.as_mut().reset(Instant::now() + self.timeouts.head);
            }
            _ => {}
        }
    }

    fn poll_answer<T>(
        &mut self,
        cx: &mut Context<'_>,
        taken: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if taken.is_ready() {
            self.answer = None;
            return taken;
        }
        let timeouts = self.timeouts.answer;
        let deadline = self.answer.get_or_insert_with(|| Box::pin(sleep(timeouts)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if polled.is_ready() {
            if buffer.filled().len() > before {
                self.receive();
            }
            return polled;
        }
        let turn = self.turn.of_client();
        let (begun, deadline) = &mut self.head;
        if turn == Some(*begun) {
            ready!(deadline.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_answer(cx, taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.poll_answer(cx, taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let taken = Pin::new(&mut self.stream).poll_flush(cx);
        self.poll_answer(cx, taken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let taken = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.poll_answer(cx, taken)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::timeout,
    };

    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        head: Duration::from_millis(300),
        answer: Duration::from_millis(300),
    };
    const SOME: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_millis(600);

    #[tokio::test]
    async fn a_head_in_drops_is_cut_off() {
        let (mut client, server) = duplex(1024);
        let mut server = TimedStream::new(server, TIMEOUTS, Turn::default());
        let drip = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                sleep(SOME).await;
            }
        });
        let mut head = Vec::new();
        let cut_off = timeout(LONG, server.read_to_end(&mut head)).await.unwrap();
        assert_eq!(cut_off.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(server);
        drip.await.unwrap();
    }

    #[tokio::test]
    async fn only_the_first_byte_of_the_next_head_begins_its_time() {
        let (mut client, server) = duplex(1024);
        let turn = Turn::default();
        let mut server = TimedStream::new(server, TIMEOUTS, turn.clone());
        let mut byte = [0];
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut byte).await.unwrap();
        turn.pass();
        let answering = timeout(LONG, server.read(&mut byte)).await;
        assert!(answering.is_err(), "cut off while it was the server's turn");
        turn.pass();
        let idle = timeout(LONG, server.read(&mut byte)).await;
        assert!(idle.is_err(), "cut off while it was idle");

        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut byte).await.unwrap();
        let early = timeout(SOME, server.read(&mut byte)).await;
        assert!(early.is_err(), "cut off too early");
        let late = timeout(LONG, server.read(&mut byte)).await.unwrap();
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut_off() {
        let (client, server) = duplex(16);
        let mut server = TimedStream::new(server, TIMEOUTS, Turn::default());
        let writing = timeout(LONG, server.write_all(&[0; 64])).await.unwrap();
        assert_eq!(writing.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_takes_a_little_now_and_then_is_served() {
        let (mut client, server) = duplex(16);
        let mut server = TimedStream::new(server, TIMEOUTS, Turn::default());
        let taking = tokio::spawn(async move {
            let mut some = [0; 16];
            for _ in 0..4 {
                sleep(SOME).await;
                client.read_exact(&mut some).await.unwrap();
            }
        });
        server.write_all(&[0; 64]).await.unwrap();
        taking.await.unwrap();
    }
}
