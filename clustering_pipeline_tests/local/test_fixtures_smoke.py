from qdrant_client import models


def test_mongo(mongo_database):
    mongo_database.things.insert_one({"a": 1})
    assert mongo_database.things.count_documents({}) == 1


def test_qdrant(qdrant):
    qdrant.create_collection("c", vectors_config=models.VectorParams(size=2, distance="Dot"))
    qdrant.upsert("c", [models.PointStruct(id=1, vector=[1, 2])])
    assert qdrant.count("c").count == 1
