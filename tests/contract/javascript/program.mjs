// A program written for AWS, unchanged: region, keys and endpoint come from the environment.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.MODULES}/`);
const from = async (name) => import(pathToFileURL(require.resolve(name)).href);
const rekognition = await from("@aws-sdk/client-rekognition");
const sts = await from("@aws-sdk/client-sts");

const picture = (...people) =>
  Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.from(JSON.stringify(people))]);
const client = new rekognition.RekognitionClient({ maxAttempts: 1 });
const send = (Command, input) => client.send(new rekognition[`${Command}Command`](input));
const said = {};

async function caught(Command, input) {
  try {
    await send(Command, input);
    return "nothing";
  } catch (error) {
    const kind = rekognition[error.name];
    return { name: error.name, typed: kind !== undefined && error instanceof kind, message: error.message };
  }
}

const CollectionId = "staff";
await send("CreateCollection", { CollectionId });
said.again = await caught("CreateCollection", { CollectionId });
const indexed = await send("IndexFaces", {
  CollectionId, Image: { Bytes: picture("ann", "bob", "cy") }, ExternalImageId: "team", DetectionAttributes: ["ALL"],
});
said.indexed = indexed.FaceRecords.length;
said.version = indexed.FaceRecords[0].Face.IndexFacesModelVersion;
const found = await send("SearchFacesByImage", {
  CollectionId, Image: { Bytes: picture("ann") }, FaceMatchThreshold: 70, MaxFaces: 1,
});
said.found = found.FaceMatches.map((match) => [match.Face.ExternalImageId, match.Similarity]);
said.nobody = await caught("SearchFacesByImage", { CollectionId, Image: { Bytes: picture() } });
said.missing = await caught("DescribeCollection", { CollectionId: "guests" });
said.token = await caught("ListFaces", { CollectionId, NextToken: "made-up" });
said.invalid = await caught("DetectFaces", { Image: { Bytes: Buffer.from("GIF89a") } });
for (const name of ["a-1", "a-2", "a-3"]) await send("CreateCollection", { CollectionId: name });
said.collections = [];
for await (const page of rekognition.paginateListCollections({ client, pageSize: 2 }, {}))
  said.collections.push(page.CollectionIds);
said.faces = 0;
said.pages = 0;
for await (const page of rekognition.paginateListFaces({ client, pageSize: 1 }, { CollectionId })) {
  said.faces += page.Faces.length;
  said.pages += 1;
}
await send("CreateUser", { CollectionId, UserId: "Ann" });
const associated = await send("AssociateFaces", {
  CollectionId, UserId: "Ann", FaceIds: [indexed.FaceRecords[0].Face.FaceId],
});
said.associated = associated.UserStatus;
const detected = await send("DetectFaces", { Image: { Bytes: picture("ann") }, Attributes: ["ALL"] });
said.gender = detected.FaceDetails[0].Gender?.Value ?? "not told";
const described = await send("DescribeCollection", { CollectionId });
said.created = described.CreationTimestamp instanceof Date;
said.account = (await new sts.STSClient({ maxAttempts: 1 }).send(new sts.GetCallerIdentityCommand({}))).Account;
console.log(JSON.stringify(said));
