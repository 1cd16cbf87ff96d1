//! Both halves of a ring against an enemy who writes its words and its bytes whenever he likes. Until he has written
//! anything, what is sent is what is received.

use std::collections::VecDeque;
use std::time::Instant;

use os_ipc_core::ring::layout::{CHECKSUM, RENDEZVOUS};
use os_ipc_core::ring::receiving::receive;
use os_ipc_core::ring::sending::{flush, send};
use os_ipc_core::ring::{Consumer, Geometry, Line, Place, Producer, Sent, Taken, Word};
use os_ipc_core::{Error, Result};

use super::arena::{Arena, Strike, WORDS};
use crate::number::value;
use crate::source::{Source, Step};
use crate::{Grammar, Target};

pub(crate) const TARGET: Target = Target { name: "ring", grammar: Grammar::Steps, run };

/// What stands beside the ring: nobody waits in here.
#[derive(Default)]
struct Beside {
    gone: bool,
    ended: bool,
    waits: u32,
}

impl Line for Beside {
    fn look(&mut self) -> Result<bool> {
        Ok(self.gone)
    }

    fn is_gone(&self) -> bool {
        self.gone
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    fn wait(&mut self, _until: Option<Instant>) -> Result<()> {
        self.waits += 1;
        assert!(self.waits < 100_000, "it waits without end");
        Ok(())
    }
}

struct Field {
    arena: Arena,
    geometry: Geometry,
    producer: Option<Producer<Arena>>,
    consumer: Option<Consumer<Arena>>,
    beside: Beside,
    /// What was sent and not received, while that can be told.
    sent: Option<VecDeque<Vec<u8>>>,
    number: u8,
    /// Of a rendezvous: where the message begins that is offered.
    offered: Option<u32>,
}

fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let [exponent, flags, class, _, start @ ..] = source.bytes::<8>();
    let capacity = 1 << (5 + exponent % 8);
    let flags = if flags & 1 == 0 { 0 } else { CHECKSUM } | if flags & 2 == 0 { 0 } else { RENDEZVOUS };
    let most = value(class, 0x0101_0101 * u32::from(exponent), capacity, capacity).max(1);
    let geometry = Geometry { data_offset: 0, capacity: [capacity; 2], max_message_size: most, flags };
    let arena = Arena::new(capacity, u32::from_le_bytes(start) & !7);
    let mut field = Field {
        producer: Producer::new(arena.clone(), &geometry).ok(),
        consumer: Consumer::new(arena.clone(), &geometry).ok(),
        arena,
        geometry,
        beside: Beside::default(),
        sent: Some(VecDeque::new()),
        number: 0,
        offered: None,
    };
    while let Some(step) = source.step() {
        field.arena.limit();
        if let Err(error) = field.take(step) {
            field.judge(&error, step);
        }
    }
}

impl Field {
    fn take(&mut self, step: Step) -> Result<()> {
        let capacity = self.arena.capacity();
        match step.op % 14 {
            0 | 1 => self.send(step),
            2 | 3 => self.receive(),
            4 => self.begin(step),
            5 => self.proceed(step),
            6 => self.producer.as_mut().map_or(Ok(()), |producer| producer.abort().map(drop)),
            7 => self.consumer.as_mut().map_or(Ok(()), |consumer| consumer.sleep().map(drop)),
            8 => {
                let now = Some(Instant::now());
                self.producer.as_mut().map_or(Ok(()), |producer| flush(producer, &mut self.beside, now))
            }
            9 => {
                let Some(producer) = &mut self.producer else { return Ok(()) };
                producer.sleep(step.value as usize % (2 * capacity as usize))?;
                producer.sleep_until_taken()?;
                Ok(())
            }
            10 => {
                (self.beside.gone, self.beside.ended) = (step.which & 1 != 0, step.which & 2 != 0);
                Ok(())
            }
            11 => {
                // Somebody else goes on from where the ring stands.
                self.sent = None;
                self.consumer = Some(Consumer::new(self.arena.clone(), &self.geometry)?);
                Ok(())
            }
            12 => {
                self.sent = None;
                self.offered = None;
                self.producer = Some(Producer::new(self.arena.clone(), &self.geometry)?);
                Ok(())
            }
            _ => {
                self.sent = None;
                self.strike(step);
                Ok(())
            }
        }
    }

    fn strike(&mut self, Step { which, class, delay, value: raw, .. }: Step) {
        let capacity = self.arena.capacity();
        let strike = match which % 8 {
            word @ 0..6 => {
                let word = WORDS[usize::from(word)];
                Strike::Word(word, value(class, raw, self.arena.peek(word), capacity))
            }
            6 => {
                Strike::Bytes(self.arena.peek(Word::Head).wrapping_add(raw & 0x1c), value(class, raw >> 5, 0, capacity))
            }
            _ => Strike::Bytes(raw, value(class, raw >> 8, self.arena.peek(Word::Tail), capacity)),
        };
        match delay % 16 {
            0 => self.arena.strike(strike),
            later => self.arena.strike_later(later, strike),
        }
    }

    fn send(&mut self, step: Step) -> Result<()> {
        self.collect()?;
        let Some(producer) = &mut self.producer else { return Ok(()) };
        let most = self.geometry.max_message_size.min(3 * self.arena.capacity()) as usize;
        let length = step.value as usize % (most + 1);
        self.number = self.number.wrapping_add(1);
        let message = vec![self.number; length];
        if self.geometry.is_rendezvous() && step.class & 1 == 0 {
            return self.offer(message);
        }
        send(producer, &mut self.beside, &message, Some(Instant::now()))?;
        if let Some(sent) = &mut self.sent {
            sent.push_back(message);
        }
        Ok(())
    }

    /// What was offered is taken by now, or taken back.
    fn collect(&mut self) -> Result<()> {
        let (Some(producer), Some(position)) = (&mut self.producer, self.offered.take()) else { return Ok(()) };
        if !producer.collect()?
            && producer.withdraw(position)
            && let Some(sent) = &mut self.sent
        {
            sent.pop_back();
        }
        Ok(())
    }

    /// In two steps, for nobody receives while an honest call is under way.
    fn offer(&mut self, message: Vec<u8>) -> Result<()> {
        let Some(producer) = &mut self.producer else { return Ok(()) };
        let position = producer.position();
        if producer.send(&message)? == Sent::Done {
            producer.offer();
            self.offered = Some(position);
            if let Some(sent) = &mut self.sent {
                sent.push_back(message);
            }
        }
        Ok(())
    }

    fn begin(&mut self, step: Step) -> Result<()> {
        self.collect()?;
        let Some(producer) = &mut self.producer else { return Ok(()) };
        if producer.begin(value(step.class, step.value, 0, self.arena.capacity()))? == Sent::Done {
            // What is left half done is not looked at any more.
            self.sent = None;
        }
        Ok(())
    }

    fn proceed(&mut self, step: Step) -> Result<()> {
        let Some(producer) = &mut self.producer else { return Ok(()) };
        let rest = vec![7; step.value as usize % (2 * self.arena.capacity() as usize)];
        if producer.proceed(&rest)? > 0 {
            // Of a message that was given up, and is going on all the same.
            self.sent = None;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        match receive(consumer, &mut self.beside, Some(Instant::now()))? {
            Some(Taken::Message(message, _)) => {
                assert!(message.len() <= self.geometry.max_message_size as usize, "a message is too long");
                if let Some(sent) = &mut self.sent {
                    assert_eq!(sent.pop_front(), Some(message), "it was not sent");
                }
            }
            Some(Taken::Withdrawn(_)) => assert!(self.sent.is_none(), "nothing had handles"),
            Some(Taken::Nothing) | None => {
                let lost = self.sent.as_ref().is_some_and(|sent| !sent.is_empty());
                assert!(!lost, "what was sent is not received");
            }
        }
        Ok(())
    }

    /// Nobody goes on with a ring that is corrupt, and none is as long as nobody has written there.
    fn judge(&mut self, error: &Error, step: Step) {
        if let Error::Corrupt(why) = error {
            assert!(self.sent.is_none(), "{why}, after nothing but honest steps, at {step:?}");
            self.consumer = None;
            self.producer = None;
        }
    }
}
