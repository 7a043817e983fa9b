"""The queue between reading and transforming."""

import anyio

from service.pages import PageQueue, SourcePage


def page(number: int, size: int) -> SourcePage:
    return SourcePage("messages", 0, number, [], [], size)


async def test_a_writer_waits_while_the_bytes_are_over_the_limit() -> None:
    queue = PageQueue(100)
    await queue.put(page(1, 80))
    with anyio.move_on_after(0.01) as waited:
        await queue.put(page(2, 30))
    assert waited.cancelled_caught
    assert (await queue.get()) is not None
    await queue.put(page(2, 30))
    assert (len(queue), queue.bytes) == (1, 30)


async def test_one_page_is_let_in_however_large() -> None:
    queue = PageQueue(100)
    await queue.put(page(1, 5_000))
    assert queue.bytes == 5_000


async def test_a_reader_gets_what_is_left_after_the_close_and_then_nothing() -> None:
    queue = PageQueue(100)
    await queue.put(page(1, 10))
    await queue.close()
    first = await queue.get()
    assert first is not None
    assert first.page == 1
    assert await queue.get() is None
    assert queue.finished


async def test_a_reader_does_not_wait_longer_than_it_said() -> None:
    queue = PageQueue(100)
    assert await queue.get(0.01) is None
    assert not queue.finished
