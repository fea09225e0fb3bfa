"""The test service on FastAPI."""

import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

app = FastAPI()


@app.get("/fast")
async def fast():
    return PlainTextResponse("fast\n")


@app.get("/slow")
async def slow(ms: int = 300):
    await asyncio.sleep(ms / 1000)
    return PlainTextResponse("slow\n")


@app.get("/hang")
async def hang():
    await asyncio.sleep(3600)


@app.get("/ready")
@app.get("/health")
async def ready():
    return {}


@app.post("/upload")
async def upload(request: Request):
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
    return {"bytes": count}


@app.get("/large")
async def large(bytes: int = 1000000):
    return Response(b"x" * bytes)


@app.get("/stream")
async def stream(ms: int = 500):
    async def body():
        for _ in range(ms // 20):
            yield 'data: {"text":"tick"}\n\n'
            await asyncio.sleep(0.02)
        yield "event: completed\ndata: {}\n\n"

    return StreamingResponse(body(), media_type="text/event-stream")
