"""The plain way: FastAPI, the signature called in a sync endpoint, one request at a time."""

from typing import Annotated

from common import PICTURES, Model, plain
from fastapi import FastAPI, File
from pydantic import BaseModel

app = FastAPI()
model = Model()


class Row(BaseModel):
    """A request."""

    x: list


if PICTURES:

    @app.post("/predict")
    def predict_picture(file: Annotated[bytes, File()]):
        """Answers an uploaded picture."""
        return plain(model([file])[0])

else:

    @app.post("/predict")
    def predict(row: Row):
        """Answers one row."""
        return plain(model([row.x])[0])
