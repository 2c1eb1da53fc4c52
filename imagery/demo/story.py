"""What the demo event tells: a made festival, its programme, places and the words people use.

Harbour Lights Week never took place. The towns are real and serve as places only; nobody in
it exists. Hours count from midnight (UTC) of the first day.
"""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "Harbour Lights Week"
ABOUT = (
    "A festival of science and lights that never took place. The photographs are "
    "those that scikit-image and scikit-learn carry, put through what social media does to "
    "pictures; accounts, texts and figures are made."
)
HASHTAGS = ("HarbourLights", "LucesDelPuerto", "LucesDoPorto", "HarbourLightsWeek")
N_DAYS = 8

# Share of a day's posts by hour, midnight first.
RHYTHM = (18, 10, 5, 3, 2, 3, 7, 16, 28, 36, 42, 48, 56, 60, 52, 46, 46, 52, 62, 74, 86, 92, 76, 42)

# Town, latitude, longitude (WGS84 degrees, town centre), weight.
PLACES: tuple[tuple[str, float, float, float], ...] = (
    ("A Coruña", 43.3687, -8.4010, 10.0),
    ("Ferrol", 43.4840, -8.2328, 3.0),
    ("Betanzos", 43.2795, -8.2110, 2.0),
    ("Sada", 43.3547, -8.2560, 1.5),
    ("Pontedeume", 43.4080, -8.1710, 1.5),
    ("Vigo", 42.2328, -8.7226, 2.5),
    ("Pontevedra", 42.4310, -8.6440, 1.5),
    ("Santiago de Compostela", 42.8800, -8.5450, 3.0),
    ("Viveiro", 43.6630, -7.5950, 0.8),
    ("Ribadeo", 43.5360, -7.0400, 0.8),
)

# Language and weight of accounts.
LANGUAGES: tuple[tuple[str, float], ...] = (
    ("en", 0.40),
    ("es", 0.30),
    ("gl", 0.10),
    ("pt", 0.08),
    ("fr", 0.07),
    ("de", 0.05),
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A thing that happens; `mass` scales how much it is posted, half of it by `half_life_h`."""

    name: str
    starts_h: float
    half_life_h: float
    mass: float
    place: str
    hashtags: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]


TOPICS: tuple[Topic, ...] = (
    Topic(
        "launch", 20.5, 2.5, 3.2, "A Coruña", ("LaunchNight", "OpeningNight"),
        (
            ("en", "Opening night! The whole quay counting down with the big screen"),
            ("en", "3, 2, 1… I was not ready for the noise"),
            ("en", "blue hour and a rocket on the big screen. what a start"),
            ("es", "Noche inaugural: todo el puerto contando hacia atrás"),
            ("es", "Se me ha puesto la piel de gallina con el lanzamiento"),
            ("gl", "Que noite! O peirao enteiro mirando o foguete"),
            ("pt", "Que abertura! O cais inteiro a contar para trás"),
            ("fr", "Soirée d'ouverture : tout le port compte à rebours"),
            ("de", "Eröffnungsabend: der ganze Hafen zählt mit"),
        ),
    ),
    Topic(
        "stars", 70.0, 3.5, 2.8, "Pontedeume", ("DarkSkyNight", "Estrellas"),
        (
            ("en", "They switched off the harbour lamps and showed us ten thousand galaxies"),
            ("en", "every dot is a galaxy. EVERY. DOT."),
            ("en", "Dark Sky Night: best queue I ever stood in"),
            ("es", "Cada punto es una galaxia. Sigo sin creérmelo"),
            ("es", "Apagaron las farolas y apareció el universo"),
            ("gl", "Apagaron as luces e apareceu o universo enteiro"),
            ("pt", "Cada ponto é uma galáxia, não consigo parar de olhar"),
            ("fr", "Chaque point est une galaxie. Vertige"),
            ("de", "Jeder Punkt eine Galaxie. Jeder."),
        ),
    ),
    Topic(
        "cat", 108.5, 1.6, 3.4, "A Coruña", ("FestivalCat", "GatoDelPuerto"),
        (
            ("en", "A cat has walked on stage and refuses to leave. Give it the prize"),
            ("en", "breaking: festival now run by cat"),
            ("en", "that look when the speaker goes over time"),
            ("es", "Se ha colado un gato en el escenario y ya es el director"),
            ("es", "El gato del puerto, presidente"),
            ("gl", "O gato do porto xa manda máis ca o alcalde"),
            ("pt", "O gato subiu ao palco e ninguém o tira de lá"),
            ("fr", "Un chat est monté sur scène, le festival est à lui"),
            ("de", "Eine Katze hat die Bühne übernommen"),
        ),
    ),
    Topic(
        "pavilion", 164.0, 4.0, 2.6, "Betanzos", ("PavilionByTheLake", "ClosingNight"),
        (
            ("en", "The pavilion by the water on the last evening. Come early, it fills up"),
            ("en", "still cannot believe this is twenty minutes from home"),
            ("es", "El pabellón junto al agua, última tarde de la semana"),
            ("es", "Cierre de lujo: la vista desde la terraza"),
            ("gl", "Última tarde no pavillón, que vistas"),
            ("pt", "Último fim de tarde no pavilhão, que vista"),
            ("fr", "Le pavillon au bord de l'eau pour finir en beauté"),
            ("de", "Letzter Abend am Pavillon, was für ein Blick"),
        ),
    ),
    Topic(
        "garden", 34.0, 30.0, 1.2, "Ferrol", ("FlowerMarket", "Jardin"),
        (
            ("en", "Dahlias at the flower market are the size of my head"),
            ("en", "symmetry, but make it orange"),
            ("es", "Las dalias del mercado parecen de mentira"),
            ("gl", "As dalias do mercado son unha marabilla"),
            ("pt", "As dálias do mercado são enormes"),
            ("fr", "Les dahlias du marché, incroyables"),
            ("de", "Die Dahlien auf dem Markt sind unwirklich schön"),
        ),
    ),
    Topic(
        "coffee", 9.0, 60.0, 1.3, "A Coruña", ("HarbourCoffee", "Cafe"),
        (
            ("en", "Festival survival kit"),
            ("en", "Day two. Send coffee"),
            ("en", "Best espresso on the quay, the red cups"),
            ("es", "Sin café no hay festival"),
            ("gl", "Sen café non hai festival"),
            ("pt", "Uma bica antes do próximo concerto"),
            ("fr", "Petite pause avant le prochain atelier"),
            ("de", "Ohne Kaffee kein Festival"),
        ),
    ),
    Topic(
        "space", 65.0, 12.0, 1.3, "Santiago de Compostela", ("SpaceHall", "Espacio"),
        (
            ("en", "The orange suit in the Space Hall. My kids will talk of nothing else"),
            ("en", "wall of portraits in the Space Hall, go and see it"),
            ("es", "El Salón del Espacio merece la cola"),
            ("gl", "O Salón do Espazo paga a pena"),
            ("pt", "A exposição do espaço vale a fila"),
            ("fr", "L'expo Espace vaut la file d'attente"),
            ("de", "Die Raumfahrthalle lohnt jede Schlange"),
        ),
    ),
    Topic(
        "moon", 142.0, 8.0, 1.2, "Viveiro", ("MoonWatch", "Luna"),
        (
            ("en", "First time I have seen a crater with my own eyes"),
            ("en", "Phone held to the eyepiece, hands shaking, worth it"),
            ("es", "Primera vez que veo un cráter con mis propios ojos"),
            ("gl", "A lúa desde a praia, con telescopio"),
            ("pt", "A lua pelo telescópio, sem palavras"),
            ("fr", "La Lune au télescope, sans voix"),
            ("de", "Zum ersten Mal einen Krater gesehen"),
        ),
    ),
    Topic(
        "laboratory", 88.0, 14.0, 1.2, "Pontevedra", ("OpenLab", "Ciencia"),
        (
            ("en", "No, it is not Mars. It is the back of an eye"),
            ("en", "Open Lab tent: they let you work the microscope yourself"),
            ("es", "No es Marte: es el fondo de un ojo"),
            ("gl", "Non é Marte, é o fondo dun ollo"),
            ("pt", "Não é Marte, é o fundo de um olho"),
            ("fr", "Ce n'est pas Mars, c'est le fond d'un œil"),
            ("de", "Nicht der Mars: ein Augenhintergrund"),
        ),
    ),
    Topic(
        "photowalk", 41.0, 16.0, 0.9, "Vigo", ("PhotoWalk", "Foto"),
        (
            ("en", "Photo walk: someone brought a tripod, someone always brings a tripod"),
            ("en", "shooting film like it's 1950"),
            ("es", "Paseo fotográfico: siempre hay alguien con trípode"),
            ("gl", "Paseo fotográfico pola ría"),
            ("fr", "Balade photo, il y a toujours un trépied"),
            ("de", "Fotospaziergang. Einer hat immer ein Stativ dabei"),
        ),
    ),
    Topic(
        "museum", 83.0, 14.0, 0.8, "Ribadeo", ("OldMoney", "Museo"),
        (
            ("en", "Every coin on this tray went through somebody's hands"),
            ("es", "Cada moneda pasó por las manos de alguien"),
            ("gl", "Cada moeda ten a súa historia"),
            ("pt", "Cada moeda tem a sua história"),
            ("de", "Jede Münze hat eine Geschichte"),
        ),
    ),
    Topic(
        "oldtown", 37.0, 40.0, 0.6, "Betanzos", ("OldTown", "Texturas"),
        (
            ("en", "textures of the old town, a thread"),
            ("en", "Look down once in a while"),
            ("es", "Mirad al suelo de vez en cuando"),
            ("gl", "Texturas do casco vello"),
            ("fr", "Il faut parfois regarder par terre"),
        ),
    ),
    Topic(
        "collage", 170.0, 10.0, 1.2, "A Coruña", ("BestOf", "Resumen"),
        (
            ("en", "The week in four pictures"),
            ("en", "Could not choose, so here are four"),
            ("es", "La semana en cuatro fotos"),
            ("gl", "A semana en catro fotos"),
            ("pt", "A semana em quatro fotos"),
            ("fr", "La semaine en quatre photos"),
            ("de", "Die Woche in vier Bildern"),
        ),
    ),
    Topic(
        "lecture", 133.0, 6.0, 0.5, "Santiago de Compostela", ("Lecture", "Charla"),
        (
            ("en", "Notes from this morning's lecture, sorry about the handwriting"),
            ("es", "Apuntes de la charla de esta mañana"),
            ("fr", "Mes notes de la conférence"),
        ),
    ),
    Topic(
        "clock", 154.0, 6.0, 0.5, "Ferrol", ("OneMoreHour",),
        (
            ("en", "it goes too fast. literally"),
            ("es", "El tiempo vuela, y aquí está la prueba"),
        ),
    ),
    Topic(
        "pocket", 12.0, 70.0, 0.3, "A Coruña", ("Oops",),
        (
            ("en", "took this with the phone in my pocket, I think"),
            ("es", "Se me disparó la cámara"),
            ("gl", "Saíu así, eu que sei"),
        ),
    ),
)  # fmt: skip

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}

CHATTER: tuple[tuple[str, str], ...] = (
    ("en", "Anyone else still awake after that?"),
    ("en", "Which ferry is the last one back tonight?"),
    ("en", "Is there parking near the quay, or shall I cycle?"),
    ("en", "Whoever made the programme: thank you"),
    ("en", "It started to drizzle and nobody moved"),
    ("en", "Lost: one blue umbrella, sentimental value"),
    ("es", "¿A qué hora sale el último ferri?"),
    ("es", "Gracias a quien haya hecho el programa"),
    ("es", "Empieza a llover y no se mueve nadie"),
    ("es", "¿Alguien vende una entrada para mañana?"),
    ("gl", "A que hora sae a última lancha?"),
    ("gl", "Chove e ninguén se move"),
    ("pt", "A que horas é o último barco?"),
    ("pt", "Começou a chuviscar e ninguém arredou pé"),
    ("fr", "Quelqu'un sait à quelle heure part le dernier bateau ?"),
    ("de", "Wann fährt die letzte Fähre zurück?"),
)
