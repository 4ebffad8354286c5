// How much of a picture has a colour, in thousandths.
const [picture, colour, done] = arguments;
const image = new Image();
image.onload = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const points = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let found = 0;
  for (let at = 0; at < points.length; at += 4) {
    if (colour.every((part, index) => Math.abs(points[at + index] - part) < 3)) found += 1;
  }
  done(Math.round((found * 4000) / points.length));
};
image.onerror = () => done(null);
image.src = picture;
