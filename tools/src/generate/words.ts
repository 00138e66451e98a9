/** `a b c` or, where an entry may hold spaces, `a, b c, d`. */
const words = (text: string): string[] => text.split(text.includes(',') ? /,\s*/ : /\s+/);

const combined = (first: string[], second: string[], joint: string): string[] =>
  first.flatMap((one) => second.map((other) => one + joint + other));

/** `Group: noun, noun; Group: …` */
const groups = (text: string): Group[] =>
  text.split('; ').map((group) => {
    const [name = '', nouns = ''] = group.split(': ');
    return { name, nouns: nouns.split(', ') };
  });

interface Group {
  name: string;
  nouns: string[];
}

/** The first level of the category tree, with what is under it: sections, their groups, and the nouns of each group. */
export interface Department {
  name: string;
  /** What the lowest level divides the products of a noun into. */
  kinds: string[];
  materials: string[];
  sections: Record<string, Group[]>;
}

/** None of the first level has the name of one of the classic categories: both are roots. */
export const departments: Department[] = [
  {
    name: 'Clothing',
    kinds: ['Everyday', 'Organic'],
    materials: words(
      'Cotton Linen Merino Cashmere Silk Denim Corduroy Fleece Jersey Viscose Bamboo Flannel Tweed Hemp',
    ),
    sections: {
      Women: groups('Tops: T-Shirt, Blouse, Tunic; Knitwear & Coats: Cardigan, Sweater, Raincoat'),
      Men: groups('Shirts & Vests: Polo Shirt, Oxford Shirt, Vest; Outerwear: Jacket, Parka, Hoodie'),
      Children: groups('School Wear: Pinafore, Skirt, Blazer; Nightwear: Romper, Dressing Gown, Sleepsuit'),
    },
  },
  {
    name: 'Footwear',
    kinds: ['Wide-Fit', 'Vegan'],
    materials: words('Leather Suede Canvas Mesh Nubuck Rubber Cork Felt Knit Nylon Microfibre Raffia Velvet Patent'),
    sections: {
      "Women's Shoes": groups('Flats: Ballet Pump, Loafer, Sandal; Heels: Ankle Boot, Court Shoe, Wedge'),
      "Men's Shoes": groups('Smart: Brogue, Derby Shoe, Monk Shoe; Casual: Sneaker, Espadrille, Slipper'),
      'Outdoor Shoes': groups('Trail: Hiking Boot, Trail Runner, Gaiter; Wet Weather: Wellington Boot, Clog, Overshoe'),
    },
  },
  {
    name: 'Home & Kitchen',
    kinds: ['Compact', 'Handmade'],
    materials: words(
      'Oak Walnut Beech Glass Porcelain Stoneware Copper Enamel Steel Marble Wicker Jute Slate Terracotta',
    ),
    sections: {
      Kitchen: groups('Cookware: Saucepan, Frying Pan, Casserole; Tableware: Dinner Plate, Mug, Serving Bowl'),
      'Living Room': groups('Furniture: Armchair, Coffee Table, Bookcase; Decoration: Cushion, Vase, Picture Frame'),
      Bedroom: groups('Bedding: Duvet, Pillow, Blanket; Storage: Wardrobe, Drawer Unit, Laundry Basket'),
    },
  },
  {
    name: 'Electronics',
    kinds: ['Wireless', 'Refurbished'],
    materials: words(
      'Aluminium Carbon Titanium Graphite Chrome Acrylic Magnesium Polycarbonate Ceramic Brass Silicone',
    ),
    sections: {
      Audio: groups('Listening: Headset, Earphone, Soundbar; Playback: Turntable, Radio, Speaker'),
      Computing: groups('Input Devices: Keyboard, Trackball, Webcam; Storage: Hard Drive, Memory Card, Disc Burner'),
      'Smart Home': groups('Lighting: Light Bulb, Light Strip, Desk Lamp; Climate: Thermostat, Air Purifier, Fan'),
    },
  },
  {
    name: 'Sports & Outdoors',
    kinds: ['Training', 'Competition'],
    materials: words('Neoprene Polyester Ripstop Latex Foam Alloy Fibreglass Aramid Spandex Softshell Elastane Mohair'),
    sections: {
      Fitness: groups('Strength: Dumbbell, Kettlebell, Resistance Band; Yoga: Exercise Mat, Foam Roller, Balance Ball'),
      Cycling: groups('Components: Saddle, Bicycle Pump, Handlebar; Riding Gear: Helmet, Cycling Glove, Pannier'),
      Camping: groups('Shelter: Tent, Hammock, Tarpaulin; Camp Kitchen: Camping Stove, Water Bottle, Cool Box'),
    },
  },
  {
    name: 'Toys & Games',
    kinds: ['Classic', 'Travel'],
    materials: words('Wooden Plush Cardboard Plastic Magnetic Tin Birch Pine Maple Sheepskin Muslin Paper'),
    sections: {
      Indoor: groups('Games: Board Game, Card Game, Jigsaw Puzzle; Construction: Building Set, Marble Run, Model Kit'),
      'Outdoor Play': groups('Garden Games: Croquet Set, Flying Disc, Kite; Ride-Ons: Scooter, Tricycle, Go-Kart'),
      'Early Years': groups(
        'Soft Toys: Teddy Bear, Hand Puppet, Comforter; Learning: Ring Tower, Shape Sorter, Rattle',
      ),
    },
  },
  {
    name: 'Beauty & Health',
    kinds: ['Gentle', 'Professional'],
    materials: words('Aloe Almond Argan Lavender Rose Honey Coconut Shea Jojoba Charcoal Camomile Mint Oat Sandalwood'),
    sections: {
      'Skin Care': groups('Face: Face Cream, Cleanser, Serum; Body: Body Lotion, Hand Cream, Body Scrub'),
      'Hair Care': groups('Washing: Shampoo, Conditioner, Hair Mask; Styling: Hairbrush, Hair Dryer, Straightener'),
      Wellness: groups('Massage: Massager, Heat Pad, Massage Oil; Oral Care: Toothbrush, Mouthwash, Tongue Scraper'),
    },
  },
  {
    name: 'Garden & Tools',
    kinds: ['Heavy-Duty', 'Lightweight'],
    materials: words(
      'Teak Iron Zinc Cedar Acacia Stone Galvanised Rattan Granite Concrete Bronze Ash Eucalyptus Resin',
    ),
    sections: {
      Garden: groups('Planting: Planter, Trellis, Seed Tray; Watering: Watering Can, Garden Hose, Sprinkler'),
      Workshop: groups('Hand Tools: Hammer, Screwdriver, Spirit Level; Power Tools: Drill, Sander, Jigsaw'),
      Patio: groups('Seating: Garden Bench, Deck Chair, Sun Lounger; Cooking: Barbecue, Fire Pit, Pizza Oven'),
    },
  },
];

/** Makers that do not exist. */
export const brands: string[] = combined(
  words('Alder Amber Brook Crest Dove Fern Hazel Larch North Quill Rowan Silver'),
  words('by combe dale field gate haven mere stead well wick'),
  '',
);

export const adjectives: string[] = words(
  `Adjustable Airy Antique Autumn Balanced Basic Bold Breathable Bright Calm Casual Classic Clever Comfortable Compact
   Cosy Crafted Crisp Curved Deluxe Durable Easy Elegant Essential Everyday Extra Family Fine Flexible Foldable Fresh
   Gentle Grand Handy Heavy Heritage Improved Insulated Junior Large Light Little Lasting Modern Natural Neat
   Original Outdoor Padded Patterned Perfect Plain Pocket Polished Portable Practical Precise Premium Printed Pure Quick
   Quiet Reinforced Relaxed Reliable Reversible Robust Rounded Royal Rugged Seamless Signature Simple Sleek Slim Smart
   Smooth Soft Solid Special Sporty Stackable Striped Sturdy Summer Superior Textured Timeless Traditional Travel
   Universal Urban Useful Versatile Vintage Warm Washable Waterproof Winter Woven Youth Zipped`,
);

export const colours: string[] = words(
  'amber apricot aqua beige charcoal coral cream cyan grey indigo lilac magenta mint navy olive teal',
);

/** Names of tags, the most popular first; none is one of the classic tags. */
export const tagNames: string[] = [
  ...new Set([
    ...words(
      `bestseller, on sale, new arrival, gift idea, customer favourite, free delivery, back in stock, limited edition,
       eco-friendly, exclusive, clearance, handmade, premium, everyday, lightweight, waterproof, washable, family, outdoor,
       travel, office, summer, winter, spring, autumn, christmas, easter, halloween, birthday, wedding, anniversary, baby,
       kids, teens, students, seniors, pets, men, women, unisex, vintage, retro, modern, classic, minimalist, rustic, boho,
       industrial, scandinavian, japanese, italian, french, british, nordic, coastal, country, urban, luxury, budget, bulk,
       bundle, refill, starter set, spare part, accessory, replacement, refurbished, ex-display, pre-order, discontinued,
       last chance, online only, in store only, click and collect, next-day delivery, large item, fragile, age restricted,
       gift wrapping, personalised, engraved, made to order, custom size, extra small, small, medium, large, extra large,
       plus size, petite, tall, wide fit, slim fit, regular fit, relaxed fit, organic, vegan, recycled, biodegradable,
       plastic-free, fair trade, carbon neutral, locally made, fragrance-free, hypoallergenic, dermatologist tested,
       dishwasher safe, oven safe, freezer safe, machine washable, dry clean only, stain resistant, fire resistant,
       shockproof, dustproof, windproof, breathable, insulated, reflective, rechargeable, battery powered, solar powered,
       cordless, wireless, foldable, stackable, portable, adjustable, reversible, non-slip, quiet, energy saving,
       award winner, staff pick, trending, as seen on tv, top rated, tried and tested, five-year guarantee,
       lifetime guarantee, easy assembly, no assembly, tool-free, cycling, running, hiking, camping, swimming, yoga, football,
       tennis, climbing, fishing, gardening, cooking, baking, barbecue, picnic, reading, drawing, music, gaming, party`,
    ),
    ...combined(words('kitchen bathroom bedroom garage garden attic cellar nursery balcony workshop'), ['ideas'], ' '),
    ...combined(words('spring summer autumn winter'), words('collection sale essentials colours'), ' '),
    ...combined(['made in'], words('Austria Belgium Denmark Finland Ireland Norway Poland Portugal Spain Sweden'), ' '),
    ...combined(
      ['gift'],
      words('her him mum dad grandparents teachers friends colleagues neighbours newborns'),
      ' for ',
    ),
    ...combined(words('pale light dark bright deep warm'), colours, ' '),
    ...departments.flatMap(({ materials }) => materials.map((material) => material.toLowerCase())),
  ]),
].slice(0, 400);
